//! What is wrong as a list, for formats that know places and messages only.

use std::path::Path;

use super::{lines, short_path, unreadable};
use crate::program::Mark;
use crate::verdict::{Finding, Verdict};
use crate::verify::Outcome;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The run fails.
    Error,
    /// The run does not.
    Warning,
}

/// One thing that is wrong, at a place in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub level: Level,
    /// The rule that is broken, or the verdict where that is no rule's.
    pub rule: String,
    /// What is wrong, in one line.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// The file, from the root of the workspace.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The way there.
    pub steps: Vec<Step>,
}

/// One step of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Who does what.
    pub text: String,
    /// Where, if that is known.
    pub place: Option<(String, u32, u32)>,
}

/// Everything that is wrong, by program and place.
#[must_use]
pub fn problems(outcome: &Outcome, strict: bool) -> Vec<Problem> {
    let root = outcome.root.as_deref();
    let findings = outcome.programs.iter().flat_map(|program| &program.findings);
    let mut problems: Vec<Problem> =
        findings.flat_map(|finding| of_finding(finding, outcome, strict)).collect();
    let level = if strict { Level::Error } else { Level::Warning };
    for mark in &outcome.not_linked {
        let message =
            format!("`{}` is in no program that was built, so nothing is known of it", mark.path);
        let help = "build a program or a test that calls it, or remove it";
        problems.push(at(mark, root, level, "not_linked", message, help));
    }
    for (path, parts) in &outcome.unreadable {
        let parts_told: Vec<String> = parts.iter().map(ToString::to_string).collect();
        problems.push(Problem {
            level,
            rule: "unreadable".to_owned(),
            message: unreadable(parts),
            help: parts_told.join("; "),
            file: short_path(&path.display().to_string(), root),
            line: 1,
            column: 1,
            steps: Vec::new(),
        });
    }
    for entry in outcome.unused() {
        problems.push(Problem {
            level,
            rule: "unused_assume".to_owned(),
            message: format!("{} is assumed away, and nothing reaches it", entry.names),
            help: "remove the entry".to_owned(),
            file: short_path(&entry.path.display().to_string(), root),
            line: u32::try_from(entry.line).unwrap_or(1),
            column: 1,
            steps: Vec::new(),
        });
    }
    // The same function in several programs is one thing to be told.
    let mut told: Vec<Problem> = Vec::with_capacity(problems.len());
    for problem in problems {
        let same = |known: &Problem| known.message == problem.message && known.file == problem.file;
        if !told.iter().any(same) {
            told.push(problem);
        }
    }
    told
}

fn at(
    mark: &Mark,
    root: Option<&Path>,
    level: Level,
    rule: &str,
    message: String,
    help: &str,
) -> Problem {
    Problem {
        level,
        rule: rule.to_owned(),
        message,
        help: help.to_owned(),
        file: short_path(&mark.file, root),
        line: mark.line,
        column: mark.column,
        steps: Vec::new(),
    }
}

fn of_finding(finding: &Finding, outcome: &Outcome, strict: bool) -> Vec<Problem> {
    let (root, home) = (outcome.root.as_deref(), &outcome.home);
    let Finding { mark, verdict, .. } = finding;
    let name = &mark.path;
    match verdict {
        Verdict::Violated | Verdict::May => {
            let verb = if *verdict == Verdict::May { "may reach" } else { "reaches" };
            let of_path = |path: &crate::verdict::Path| {
                let message =
                    format!("`{name}` {verb} `{}`, which {}", path.sink_name, path.sink.reason);
                let help = backstop_rules::rule(path.sink.rule).map_or("", |rule| rule.remedy);
                let (from, to) = &path.edge;
                let help = format!(
                    "{help}; or, where the call of `{to}` in `{from}` is in order, say why in {}",
                    home.file
                );
                let mut problem = at(mark, root, Level::Error, path.sink.rule, message, &help);
                problem.steps = path.steps.iter().flat_map(|step| steps(step, root)).collect();
                problem
            };
            finding.paths.iter().map(of_path).collect()
        }
        Verdict::Conditional => {
            let level = if strict { Level::Error } else { Level::Warning };
            let poisons: Vec<_> =
                finding.poisons.iter().take(3).map(|poison| format!("`{}`", poison.name)).collect();
            let more = finding.poisons.len().saturating_sub(poisons.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let message = format!(
                "`{name}` is proven unless a pointer that it calls through is {}{more}",
                poisons.join(", ")
            );
            let help = format!("assume the poison away with a reason, in {}", home.file);
            vec![at(mark, root, level, "conditional", message, &help)]
        }
        Verdict::Proven | Verdict::NotLinked => Vec::new(),
    }
}

fn steps(step: &crate::verdict::Step, root: Option<&Path>) -> Vec<Step> {
    let told = lines(step, root);
    let mut steps: Vec<Step> =
        told.into_iter().map(|line| Step { text: line.text, place: None }).collect();
    for (step, frame) in steps.iter_mut().zip(step.frames.iter().rev()) {
        if let (Some(file), Some(line)) = (&frame.file, frame.line.filter(|line| *line > 0)) {
            step.place = Some((short_path(file, root), line, frame.column.unwrap_or(1).max(1)));
        }
    }
    steps
}
