//! `cargo backstop audit`: every place that skips destructors, by crate and rule: in the sources of
//! the workspace, and of what it depends on, as the catalogue finds them; in the linked programs by
//! what calls a sink.

mod baseline;
mod item_macros;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use baseline::Baseline;
use serde::Serialize;

use crate::canary::Compilers;
use crate::compile::{self, Selection};
use crate::policy::Policy;
use crate::program::Program;
use crate::report;
use crate::report::problem::{Level, Problem};
use crate::source::Source;
use crate::verdict::Judge;

/// What `audit` is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// What to build.
    pub selection: Selection,
    /// Builds nothing.
    pub sources_only: bool,
    /// Also the sources of dependencies.
    pub dependencies: bool,
    /// The sites that are known.
    pub baseline: Option<PathBuf>,
    /// Where to write what is found.
    pub write_baseline: Option<PathBuf>,
    /// What to print.
    pub format: Format,
    /// Every place, and not only how many.
    pub verbose: bool,
}

/// What to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A table.
    Human,
    /// A list of JSON objects.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
}

/// A place that skips destructors.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Site {
    /// The package whose source it is, or the crate whose code.
    #[serde(rename = "crate")]
    pub krate: String,
    /// The rule that it breaks.
    pub rule: &'static str,
    /// The program that it is in; none: the source.
    pub program: Option<String>,
    /// The source is of a package that the workspace depends on.
    pub dependency: bool,
    /// How it is written, or which function calls which sink.
    pub what: String,
    /// The file.
    pub file: Option<String>,
    /// The line, from 1; 0 where it is not known.
    pub line: u32,
    /// The column, from 1; 0 where it is not known.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

/// Runs the command.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    match audit(options) {
        Ok(code) => code,
        Err(error) => {
            report::human::error(&error);
            ExitCode::from(2)
        }
    }
}

fn audit(options: &Options) -> Result<ExitCode, String> {
    let known = match &options.baseline {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
            let parsed = Baseline::parse(&text);
            Some(parsed.map_err(|error| format!("{}: {error}", path.display()))?)
        }
        None => None,
    };
    let workspace = compile::workspace(options.selection.manifest.as_deref(), options.dependencies)
        .map_err(|error| error.to_string())?;
    let found = sources::look(&workspace.roots(), &workspace.root);
    for unread in &found.unread {
        anstream::eprintln!("warning: not looked at: {unread}");
    }
    if !found.by_name.is_empty() {
        let count = found.by_name.len();
        let plural = if count == 1 { "" } else { "s" };
        anstream::eprintln!(
            "note: {count} macro{plural} of unknown syntax: looked at by name only, and not at what becomes of it"
        );
        for place in found.by_name.iter().filter(|_| options.verbose) {
            anstream::eprintln!("      {place}");
        }
    }
    let mut sites: Vec<Site> = found.sites.into_iter().collect();
    if !options.sources_only {
        let built = compile::build(&workspace, &options.selection).map_err(|e| e.to_string())?;
        let compilers = Compilers::of_workspace(&workspace).map_err(|error| error.to_string())?;
        let ours = workspace.crates();
        for linked in &built.linked {
            sites.extend(of_program(
                &linked.path,
                &linked.name,
                &compilers,
                &ours,
                &workspace.root,
            )?);
        }
    }
    if let Some(path) = &options.write_baseline {
        std::fs::write(path, Baseline::of(&sites).text())
            .map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
    }
    let only_new = known.is_some();
    if let Some(known) = known {
        sites = known.new_among(&sites);
    }
    match options.format {
        Format::Human => {
            anstream::print!("{}", table(&sites, found.files, only_new, options.verbose));
        }
        Format::Json => {
            let text = serde_json::to_string_pretty(&sites).map_err(|error| error.to_string())?;
            anstream::println!("{text}");
        }
        Format::Sarif => report::sarif::print(&problems(&sites, only_new)),
        Format::Github => report::github::print(&problems(&sites, only_new)),
    }
    Ok(ExitCode::from(u8::from(only_new && !sites.is_empty())))
}

fn of_program(
    path: &Path,
    name: &str,
    compilers: &Compilers,
    ours: &BTreeSet<String>,
    root: &Path,
) -> Result<Vec<Site>, String> {
    let file = std::fs::read(path)
        .map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    let program = Program::read(&file)
        .map_err(|error| format!("cannot audit `{}`: {error}", path.display()))?;
    compilers
        .know(&program)
        .map_err(|error| format!("cannot audit `{}`: {error}", path.display()))?;
    let (policy, source) = (Policy::new(), Source::of(&file));
    let judge = Judge::new(&program, &policy, &source, ours);
    let mut sites: Vec<Site> = Vec::new();
    for call in judge.calls_of_sinks() {
        // The outermost place is that of the function; the innermost one, that of the call.
        let frame = call.frames.first();
        let known = |number: Option<u32>| number.unwrap_or(0);
        sites.push(Site {
            krate: call.krate.unwrap_or_else(|| "C".to_owned()),
            rule: call.sink.rule,
            program: Some(name.to_owned()),
            dependency: false,
            what: format!("{} -> {}", call.caller, call.sink_name),
            file: frame
                .and_then(|frame| frame.file.as_deref())
                .map(|file| report::short_path(file, Some(root))),
            line: frame.map_or(0, |frame| known(frame.line)),
            column: frame.map_or(0, |frame| known(frame.column)),
            message: format!(
                "`{}` calls `{}`, which {}",
                call.caller, call.sink_name, call.sink.reason
            ),
        });
    }
    sites.sort();
    sites.dedup();
    Ok(sites)
}

fn table(sites: &[Site], files: usize, only_new: bool, verbose: bool) -> String {
    let mut text = String::new();
    let mut parts: BTreeMap<(Option<&str>, bool), Vec<&Site>> = BTreeMap::new();
    for site in sites {
        parts.entry((site.program.as_deref(), site.dependency)).or_default().push(site);
    }
    for ((program, dependency), sites) in &parts {
        let sources = if *dependency { "the sources of dependencies" } else { "the sources" };
        let title = program.unwrap_or(sources);
        let mut counts: BTreeMap<(&str, &str), Vec<&Site>> = BTreeMap::new();
        for site in sites {
            counts.entry((&site.krate, site.rule)).or_default().push(site);
        }
        let width = counts.keys().map(|(krate, _)| krate.len()).max().unwrap_or(0).max(5);
        let _ = writeln!(text, "in {title}:\n  {:width$}  {:22}  sites", "crate", "rule");
        for ((krate, rule), sites) in &counts {
            let _ = writeln!(text, "  {krate:width$}  {rule:22}  {:5}", sites.len());
            for site in sites.iter().filter(|_| verbose) {
                let file = site.file.as_deref().unwrap_or("an unknown place");
                let _ = writeln!(text, "      {file}:{}:{} {}", site.line, site.column, site.what);
            }
        }
        text.push('\n');
    }
    let new = if only_new { "new " } else { "" };
    let plural = if sites.len() == 1 { "" } else { "s" };
    let _ = writeln!(text, "{} {new}site{plural}; {files} source files", sites.len());
    text
}

fn problems(sites: &[Site], only_new: bool) -> Vec<Problem> {
    let level = if only_new { Level::Error } else { Level::Warning };
    let sites = sites.iter().filter(|site| site.file.is_some() && site.line > 0);
    let problem = |site: &Site| Problem {
        level,
        rule: site.rule.to_owned(),
        message: site.message.clone(),
        help: backstop_rules::rule(site.rule).map_or("", |rule| rule.remedy).to_owned(),
        file: site.file.clone().unwrap_or_default(),
        line: site.line,
        column: site.column.max(1),
        steps: Vec::new(),
    };
    sites.map(problem).collect()
}
