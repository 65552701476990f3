//! For people, in rustc's manner.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use anstyle::{AnsiColor, Style};

use super::{lines, short_path, unreadable};
use crate::policy::ASSUMPTIONS;
use crate::program::Mark;
use crate::verdict::{Finding, How, Path as Way, Verdict};
use crate::verify::{Options, Outcome, Verified};

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::BrightRed.on_default().bold();
const YELLOW: Style = AnsiColor::BrightYellow.on_default().bold();
const GREEN: Style = AnsiColor::BrightGreen.on_default().bold();
const BLUE: Style = AnsiColor::BrightBlue.on_default().bold();

/// No more poisons are listed: the rest is a number.
const MOST_POISONS: usize = 5;

/// Says on stderr why there is nothing to say.
pub fn error(message: &str) {
    let mut out = anstream::stderr().lock();
    let (first, rest) = message.split_once('\n').unwrap_or((message, ""));
    let _ = writeln!(out, "{RED}error{RED:#}{BOLD}: {first}{BOLD:#}");
    for line in rest.lines().filter(|line| !line.is_empty()) {
        let _ = writeln!(out, "  {line}");
    }
}

/// Prints all that was found.
pub fn print(outcome: &Outcome, options: &Options, fails: bool) {
    let mut text = Vec::new();
    let root = outcome.root.as_deref();
    for program in &outcome.programs {
        for finding in &program.findings {
            describe(&mut text, finding, program, options, outcome);
        }
    }
    for mark in &outcome.not_linked {
        if options.quiet && !options.strict {
            continue;
        }
        head(
            &mut text,
            severity(Verdict::NotLinked, options.strict),
            Verdict::NotLinked,
            mark,
            root,
            &format!("`{}` is in no program that was built, so nothing is known of it", mark.path),
        );
        note(&mut text, "help", "build a program or a test that calls it, or remove it");
    }
    for (path, parts) in &outcome.unreadable {
        let title = severity(Verdict::NotLinked, options.strict);
        let file = short_path(&path.display().to_string(), root);
        let title = title.primary_title(unreadable(parts)).id("unreadable");
        let group = title.element(Origin::path(file));
        let _ = writeln!(text, "{}", Renderer::styled().render(&[group]));
        for part in parts.iter().take(MOST_POISONS) {
            note(&mut text, "note", &part.to_string());
        }
        if let Some(more) = parts.len().checked_sub(MOST_POISONS).filter(|more| *more > 0) {
            note(&mut text, "note", &format!("and {more} more (`--format json` lists them)"));
        }
        let _ = writeln!(text);
    }
    for entry in outcome.unused() {
        let message = format!("{} is assumed away, and nothing reaches it", entry.names);
        let title = severity(Verdict::NotLinked, options.strict).primary_title(message);
        let file = short_path(&entry.path.display().to_string(), root);
        let group = title.id("unused-assume").element(Origin::path(file).line(entry.line));
        let _ = writeln!(text, "{}", Renderer::styled().render(&[group]));
        note(&mut text, "help", "remove the entry");
    }
    if !options.quiet {
        summary(&mut text, outcome, options);
    }
    let mut out = anstream::stdout().lock();
    let written = out.write_all(&text).and_then(|()| out.flush());
    // A reader that went away has read enough.
    drop(written);
    let _ = fails;
}

fn severity(verdict: Verdict, strict: bool) -> Level<'static> {
    match verdict {
        Verdict::Violated | Verdict::May => Level::ERROR,
        _ if strict => Level::ERROR,
        _ => Level::WARNING,
    }
}

/// What is wrong, and where: the line itself, if its file is there.
fn head(
    out: &mut Vec<u8>,
    level: Level<'_>,
    verdict: Verdict,
    mark: &Mark,
    root: Option<&Path>,
    message: &str,
) {
    let file = short_path(&mark.file, root);
    let path = root.map_or_else(|| mark.file.clone().into(), |root| root.join(&mark.file));
    let source = std::fs::read_to_string(path).unwrap_or_default();
    let (line, column) = (mark.line as usize, mark.column as usize);
    let title = level.primary_title(message).id(verdict.name().replace(' ', "-"));
    let text = source.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let start = text.char_indices().nth(column.saturating_sub(1)).map(|(start, _)| start);
    let group = match start {
        Some(start) => {
            let name = |char: char| char.is_alphanumeric() || char == '_';
            let rest = &text[start..];
            let end = start + rest.find(|char| !name(char)).unwrap_or(rest.len()).max(1);
            let here = AnnotationKind::Primary.span(start..end.min(text.len()));
            title.element(Snippet::source(text).line_start(line).path(file).annotation(here))
        }
        None => title.element(Origin::path(file).line(line).char_column(column)),
    };
    let _ = writeln!(out, "{}", Renderer::styled().render(&[group]));
}

fn note(out: &mut Vec<u8>, word: &str, text: &str) {
    let _ = writeln!(out, "  {BLUE}={BLUE:#} {BOLD}{word}{BOLD:#}: {text}");
}

fn describe(
    out: &mut Vec<u8>,
    finding: &Finding,
    program: &Verified,
    options: &Options,
    outcome: &Outcome,
) {
    let (root, home) = (outcome.root.as_deref(), &outcome.home);
    let Finding { mark, verdict, .. } = finding;
    let name = &mark.path;
    let attributes =
        mark.attributes.iter().map(|name| format!("`#[{name}]`")).collect::<Vec<_>>().join(" and ");
    let level = severity(*verdict, options.strict);
    match verdict {
        Verdict::Proven => {
            if options.verbose {
                let _ = writeln!(out, "{GREEN}proven{GREEN:#} `{name}` in {}", program.name);
            }
            return;
        }
        Verdict::Conditional if options.quiet && !options.strict => return,
        Verdict::Conditional => {
            let message = format!(
                "`{name}` reaches nothing that skips destructors, unless a pointer that it calls \
                 through is one of {} functions",
                finding.poisons.len()
            );
            head(out, level, *verdict, mark, root, &message);
            for poison in finding.poisons.iter().take(MOST_POISONS) {
                let text = format!("`{}`, which reaches `{}`", poison.name, poison.sink_name);
                note(out, "poison", &text);
            }
            if let Some(more) = finding.poisons.len().checked_sub(MOST_POISONS).filter(|n| *n > 0) {
                note(out, "note", &format!("and {more} more (`--format json` lists them)"));
            }
            if let (true, Some(path)) = (options.verbose, finding.paths.first()) {
                way(out, path, root);
            }
        }
        _ => {
            for path in &finding.paths {
                let verb = match verdict {
                    Verdict::Violated => "reaches",
                    _ => "may reach",
                };
                let message =
                    format!("`{name}` {verb} `{}`, which {}", path.sink_name, path.sink.reason);
                head(out, level.clone(), *verdict, mark, root, &message);
                way(out, path, root);
                if *verdict == Verdict::May {
                    note(out, "note", "whoever holds the address may call it");
                }
                note(
                    out,
                    "note",
                    &format!("{attributes} forbids it, and this is {}", program.name),
                );
                if let Some(rule) = backstop_rules::rule(path.sink.rule) {
                    let text = format!(
                        "{}; or, where this call is in order, say why in {}:",
                        rule.remedy, home.file
                    );
                    note(out, "help", &text);
                    // Not `allow(..)`, which is for what the attribute sees: that it has let this pass means that
                    // it sees nothing here, and the compiler would say that nothing needs it.
                    for line in home.entry(&path.edge) {
                        let _ = writeln!(out, "          {line}");
                    }
                }
                let _ = writeln!(out);
            }
            return;
        }
    }
    let _ = writeln!(out);
}

fn way(out: &mut Vec<u8>, path: &Way, root: Option<&Path>) {
    for (number, step) in (1..).zip(&path.steps) {
        for (at, line) in lines(step, root).into_iter().enumerate() {
            let number = if at == 0 { format!("{number:>3}.") } else { "    ".to_owned() };
            let _ = writeln!(out, "  {BLUE}{number}{BLUE:#} {}", line.text);
            if let Some(place) = line.place {
                let _ = writeln!(out, "         at {place}");
            } else if step.how == How::Calls && at == 0 {
                let _ = writeln!(out, "         at a place that the program has no line for");
            }
        }
    }
}

fn summary(out: &mut Vec<u8>, outcome: &Outcome, options: &Options) {
    let counts = outcome.counts();
    let all: usize = counts.values().sum();
    let programs = outcome.programs.len();
    if all == 0 {
        let _ = writeln!(
            out,
            "no annotated function in {programs} program{}: nothing to verify\n  {BOLD}help{BOLD:#}: put \
             `#[no_exit]`, `#[must_cleanup]` or `#[scoped_spawn]` on a function",
            plural(programs)
        );
        return;
    }
    let told: Vec<String> =
        counts.iter().map(|(verdict, count)| format!("{count} {}", verdict.name())).collect();
    let _ = writeln!(
        out,
        "{BOLD}{all} annotated function{} in {programs} program{}: {}{BOLD:#}",
        plural(all),
        plural(programs),
        told.join(", ")
    );
    let assumed: BTreeSet<&str> = outcome
        .programs
        .iter()
        .flat_map(|program| &program.findings)
        .flat_map(|finding| finding.assumed.iter().copied())
        .collect();
    for assumption in ASSUMPTIONS.iter().filter(|row| assumed.contains(row.name)) {
        let _ = writeln!(out, "  assumed, {}: {}", assumption.name, assumption.what);
        if options.verbose {
            let _ = writeln!(out, "           {}", assumption.reason);
        }
    }
    let unused: Vec<_> = outcome.unused().collect();
    for entry in outcome.policy.entries.iter().filter(|entry| !unused.contains(entry)) {
        let _ = writeln!(out, "  assumed by the policy: not {} ({})", entry.names, entry.reason);
    }
    for program in outcome.programs.iter().filter(|program| program.panic_aborts) {
        let _ = writeln!(
            out,
            "  {YELLOW}note{YELLOW:#}: a panic aborts {}, and then no destructor runs",
            program.name
        );
    }
    let allowed = outcome.programs.iter().flat_map(|program| &program.findings);
    for finding in allowed.filter(|finding| !finding.allowed.is_empty()) {
        let rules = finding.allowed.iter().cloned().collect::<Vec<_>>().join(", ");
        let _ = writeln!(out, "  allowed in the source of `{}`: {rules}", finding.mark.path);
    }
    if options.verbose {
        for program in &outcome.programs {
            let size = program.size;
            let _ = writeln!(
                out,
                "  {}: {} nodes, {} edges, {} calls through pointers; read in {:.0?}, judged in {:.0?}",
                program.name, size.nodes, size.edges, size.indirects, size.reading, size.judging
            );
        }
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
