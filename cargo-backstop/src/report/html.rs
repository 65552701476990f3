//! One page that needs nothing else: functions by verdict, with a search and the ways to sinks.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use super::{place, short_path, unreadable};
use crate::policy::ASSUMPTIONS;
use crate::program::Mark;
use crate::verdict::{Finding, How, Path as Way, Verdict};
use crate::verify::Outcome;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Prints the page.
pub fn print(outcome: &Outcome) {
    let written = std::io::stdout().lock().write_all(page(outcome).as_bytes());
    // A reader that went away has read enough.
    drop(written);
}

fn page(outcome: &Outcome) -> String {
    let root = outcome.root.as_deref();
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>cargo backstop verify</title>\n<style>\n{STYLE}</style>\n\
         <header><h1>cargo backstop verify</h1>\n<p>"
    );
    for (verdict, count) in outcome.counts().into_iter().rev() {
        let class = class(verdict);
        let _ = write!(
            text,
            "<label class=\"chip {class}\"><input type=\"checkbox\" checked value=\"{class}\"> {count} {}</label> ",
            verdict.name()
        );
    }
    text.push_str(
        "</p>\n<input id=\"search\" type=\"search\" placeholder=\"function, file or sink\" \
         aria-label=\"search\"> <button id=\"theme\">dark or light</button></header>\n<main>\n",
    );
    let mut findings: Vec<(&Finding, &str)> = Vec::new();
    for program in &outcome.programs {
        findings.extend(program.findings.iter().map(|finding| (finding, program.name.as_str())));
    }
    findings.sort_by_key(|(finding, _)| std::cmp::Reverse(finding.verdict));
    for (finding, program) in findings {
        function(&mut text, &finding.mark, finding.verdict, program, root);
        for path in &finding.paths {
            way(&mut text, path, root);
        }
        if !finding.poisons.is_empty() {
            text.push_str("<p>unless a pointer that it calls through is one of</p><ul>");
            for poison in &finding.poisons {
                let _ = write!(
                    text,
                    "<li><code>{}</code>, which reaches <code>{}</code></li>",
                    escaped(&poison.name),
                    escaped(&poison.sink_name)
                );
            }
            text.push_str("</ul>");
        }
        text.push_str("</details>\n");
    }
    for mark in &outcome.not_linked {
        function(&mut text, mark, Verdict::NotLinked, "no program", root);
        text.push_str(
            "<p>It was compiled and is in no program: nothing is known of it.</p></details>\n",
        );
    }
    text.push_str("</main>\n<footer>");
    for (path, parts) in &outcome.unreadable {
        let file = short_path(&path.display().to_string(), root);
        let _ = write!(text, "<h2>{}</h2><p>{}</p><ul>", escaped(&file), unreadable(parts));
        for part in parts {
            let _ = write!(text, "<li>{}</li>", escaped(&part.to_string()));
        }
        text.push_str("</ul>");
    }
    text.push_str("<h2>Assumed</h2><dl>");
    for row in ASSUMPTIONS.iter().filter(|row| outcome.policy.assumes(row)) {
        let _ = write!(
            text,
            "<dt>{}</dt><dd>{}: {}</dd>",
            row.name,
            escaped(row.what),
            escaped(row.reason)
        );
    }
    for entry in &outcome.policy.entries {
        let _ = write!(
            text,
            "<dt>backstop.toml:{}</dt><dd>not {}: {}</dd>",
            entry.line,
            escaped(&entry.names),
            escaped(&entry.reason)
        );
    }
    let _ = write!(text, "</dl></footer>\n<script>\n{SCRIPT}</script>\n</html>\n");
    text
}

fn function(text: &mut String, mark: &Mark, verdict: Verdict, program: &str, root: Option<&Path>) {
    let class = class(verdict);
    let open = if matches!(verdict, Verdict::Violated | Verdict::May) { " open" } else { "" };
    let _ = write!(
        text,
        "<details class=\"function {class}\" data-verdict=\"{class}\"{open}><summary><span class=\"chip \
         {class}\">{}</span> <code>{}</code> <small>{}:{} in {}</small></summary>",
        verdict.name(),
        escaped(&mark.path),
        escaped(&short_path(&mark.file, root)),
        mark.line,
        escaped(program)
    );
}

fn way(text: &mut String, path: &Way, root: Option<&Path>) {
    text.push_str("<ol class=\"way\">");
    for step in &path.steps {
        let how = match step.how {
            How::Calls => "calls",
            How::Takes => "takes the address of",
            How::Pointer => "calls through a pointer, perhaps",
        };
        let _ = write!(text, "<li><code>{}</code>", escaped(&step.from));
        for frame in step.frames.iter().rev() {
            let name = frame.function.as_deref().unwrap_or("an inlined function");
            let place = place(frame, root).unwrap_or_default();
            let inlined = if name == step.from { "" } else { name };
            let _ = write!(text, "<small>{} {}</small>", escaped(inlined), escaped(&place));
        }
        let _ = write!(text, "<em>{how}</em></li>");
    }
    let _ = write!(
        text,
        "<li class=\"sink\"><code>{}</code><small>{} ({})</small></li></ol>",
        escaped(&path.sink_name),
        escaped(path.sink.reason),
        path.sink.rule
    );
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Proven => "proven",
        Verdict::Conditional => "conditional",
        Verdict::NotLinked => "not-linked",
        Verdict::May => "may",
        Verdict::Violated => "violated",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
