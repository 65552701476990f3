//! For programs: one JSON object.

use std::io::Write as _;
use std::path::Path;

use serde::Serialize;

use super::short_path;
use crate::policy::ASSUMPTIONS;
use crate::program::{Mark, Unreadable};
use crate::source::Frame;
use crate::verdict::{Finding, How, Path as Way, Verdict};
use crate::verify::Outcome;

/// Changes when a field changes its meaning or goes away.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    fails: bool,
    programs: Vec<Program<'a>>,
    not_linked: Vec<Annotated<'a>>,
    unreadable: Vec<UnreadableFile<'a>>,
    assumptions: Vec<Assumption>,
    assumed_by_policy: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    names: &'a str,
    reason: &'a str,
    line: usize,
    used: bool,
}

#[derive(Serialize)]
struct Program<'a> {
    name: &'a str,
    path: String,
    panic_aborts: bool,
    functions: Vec<Judged<'a>>,
}

#[derive(Serialize)]
struct Annotated<'a> {
    function: &'a str,
    attributes: &'a [String],
    file: String,
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct UnreadableFile<'a> {
    file: String,
    parts: &'a [Unreadable],
}

#[derive(Serialize)]
struct Judged<'a> {
    #[serde(flatten)]
    annotated: Annotated<'a>,
    verdict: Verdict,
    instances: usize,
    paths: Vec<Path_<'a>>,
    poisons: Vec<Poison<'a>>,
    assumed: Vec<&'a str>,
    allowed: Vec<&'a str>,
}

#[derive(Serialize)]
struct Path_<'a> {
    sink: &'a str,
    rule: &'a str,
    reason: &'a str,
    /// What an entry of the policy calls it.
    edge: &'a (String, String),
    steps: Vec<Step<'a>>,
}

#[derive(Serialize)]
struct Step<'a> {
    from: &'a str,
    how: How,
    to: &'a str,
    /// The innermost inlined function first.
    frames: Vec<Place<'a>>,
}

#[derive(Serialize)]
struct Place<'a> {
    function: Option<&'a str>,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
}

#[derive(Serialize)]
struct Poison<'a> {
    function: &'a str,
    reaches: &'a str,
}

#[derive(Serialize)]
struct Assumption {
    name: &'static str,
    what: &'static str,
    reason: &'static str,
}

/// Prints all that was found.
pub fn print(outcome: &Outcome, fails: bool) {
    let mut out = std::io::stdout().lock();
    let written = serde_json::to_writer_pretty(&mut out, &report(outcome, fails))
        .map_err(std::io::Error::from)
        .and_then(|()| writeln!(out));
    // A reader that went away has read enough.
    drop(written);
}

fn report(outcome: &Outcome, fails: bool) -> Report<'_> {
    let root = outcome.root.as_deref();
    let programs = outcome.programs.iter().map(|program| Program {
        name: &program.name,
        path: short_path(&program.path.display().to_string(), root),
        panic_aborts: program.panic_aborts,
        functions: program.findings.iter().map(|finding| judged(finding, root)).collect(),
    });
    let made = ASSUMPTIONS.iter().filter(|assumption| outcome.policy.assumes(assumption));
    Report {
        version: VERSION,
        fails,
        programs: programs.collect(),
        not_linked: outcome.not_linked.iter().map(|mark| annotated(mark, root)).collect(),
        unreadable: outcome
            .unreadable
            .iter()
            .map(|(path, parts)| UnreadableFile {
                file: short_path(&path.display().to_string(), root),
                parts,
            })
            .collect(),
        assumptions: made
            .map(|row| Assumption { name: row.name, what: row.what, reason: row.reason })
            .collect(),
        assumed_by_policy: entries(outcome),
    }
}

fn entries(outcome: &Outcome) -> Vec<Entry<'_>> {
    let unused: Vec<_> = outcome.unused().collect();
    let entries = outcome.policy.entries.iter().map(|entry| Entry {
        names: &entry.names,
        reason: &entry.reason,
        line: entry.line,
        used: !unused.contains(&entry),
    });
    entries.collect()
}

fn annotated<'a>(mark: &'a Mark, root: Option<&Path>) -> Annotated<'a> {
    Annotated {
        function: &mark.path,
        attributes: &mark.attributes,
        file: short_path(&mark.file, root),
        line: mark.line,
        column: mark.column,
    }
}

fn judged<'a>(finding: &'a Finding, root: Option<&Path>) -> Judged<'a> {
    Judged {
        annotated: annotated(&finding.mark, root),
        verdict: finding.verdict,
        instances: finding.instances,
        paths: finding.paths.iter().map(|path| way(path, root)).collect(),
        poisons: finding
            .poisons
            .iter()
            .map(|poison| Poison { function: &poison.name, reaches: &poison.sink_name })
            .collect(),
        assumed: finding.assumed.iter().copied().collect(),
        allowed: finding.allowed.iter().map(String::as_str).collect(),
    }
}

fn way<'a>(path: &'a Way, root: Option<&Path>) -> Path_<'a> {
    let place = |frame: &'a Frame| Place {
        function: frame.function.as_deref(),
        file: frame.file.as_deref().map(|file| short_path(file, root)),
        line: frame.line,
        column: frame.column,
    };
    let steps = path.steps.iter().map(|step| Step {
        from: &step.from,
        how: step.how,
        to: &step.to,
        frames: step.frames.iter().map(place).collect(),
    });
    Path_ {
        sink: &path.sink_name,
        rule: path.sink.rule,
        reason: path.sink.reason,
        edge: &path.edge,
        steps: steps.collect(),
    }
}
