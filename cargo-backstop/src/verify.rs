//! `cargo backstop verify`, from the build to the exit status.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::canary::{self, Compilers};
use crate::cli::Format;
use crate::compile::{self, Built, Linked, Selection};
use crate::policy::file::{Home, NAME};
use crate::policy::{self, Policy};
use crate::program::{self, Mark, Program, Unreadable, marks_of_objects};
use crate::report::{self, problem::problems};
use crate::source::Source;
use crate::verdict::{Finding, Judge, Verdict};

/// What `verify` is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// What to build.
    pub selection: Selection,
    /// Programs to look at instead.
    pub programs: Vec<PathBuf>,
    /// The policy file, where it is not the workspace's own.
    pub policy: Option<PathBuf>,
    /// What to print.
    pub format: Format,
    /// Whether everything has to be proven.
    pub strict: bool,
    /// Only what is wrong.
    pub quiet: bool,
    /// More.
    pub verbose: bool,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The build.
    #[error(transparent)]
    Compile(#[from] compile::Error),
    /// A program could not be read.
    #[error("cannot verify `{path}`: {error}{help}")]
    Program {
        /// The file.
        path: PathBuf,
        /// Why.
        error: program::Error,
        /// What to do.
        help: &'static str,
    },
    /// The standard library in a program is not one that is known.
    #[error("cannot verify `{path}`: {error}")]
    Unknown {
        /// The file.
        path: PathBuf,
        /// Why.
        error: canary::Error,
    },
    /// The compiler could not be tried.
    #[error(transparent)]
    Canary(#[from] canary::Error),
    /// The policy is wrong.
    #[error(transparent)]
    Policy(#[from] policy::file::Error),
    /// There are two policies.
    #[error(
        "`{NAME}` and `[workspace.metadata.backstop]` both hold a policy\nhelp: keep one of them"
    )]
    TwoPolicies,
    /// A file could not be read.
    #[error("cannot read `{path}`: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// What was found out about one program.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its annotated functions.
    pub findings: Vec<Finding>,
    /// Whether a panic aborts it.
    pub panic_aborts: bool,
    /// The entries of the policy that made a difference.
    pub used: BTreeSet<usize>,
    /// How much there was to look at.
    pub size: Size,
}

/// How much a program is, and how long it took.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Functions, data and what comes from libraries.
    pub nodes: usize,
    /// Calls and mentions.
    pub edges: usize,
    /// Calls through pointers.
    pub indirects: usize,
    /// Reading and decoding.
    pub reading: Duration,
    /// Judging.
    pub judging: Duration,
}

/// All that was found out.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The programs.
    pub programs: Vec<Verified>,
    /// Annotated functions that are in none of them.
    pub not_linked: Vec<Mark>,
    /// What of the object files cannot be read, by file: an annotated function in it could be in no program.
    pub unreadable: UnreadableParts,
    /// The folder that paths are told from.
    pub root: Option<PathBuf>,
    /// The assumptions that were made.
    pub policy: Policy,
    /// Where more of them can be written down.
    pub home: policy::file::Home,
}

impl Outcome {
    /// Whether what was found is a failure.
    #[must_use]
    pub fn fails(&self, strict: bool) -> bool {
        let fails = |verdict: Verdict| match verdict {
            Verdict::Violated | Verdict::May => true,
            Verdict::Proven => false,
            Verdict::Conditional | Verdict::NotLinked => strict,
        };
        let mut findings = self.programs.iter().flat_map(|program| &program.findings);
        findings.any(|finding| fails(finding.verdict))
            || (!self.not_linked.is_empty() && fails(Verdict::NotLinked))
            || (strict && !self.unreadable.is_empty())
            || (strict && self.unused().next().is_some())
    }

    /// The entries of the policy that made no difference in any program.
    pub fn unused(&self) -> impl Iterator<Item = &policy::file::Entry> {
        let used = |at: &usize| self.programs.iter().any(|program| program.used.contains(at));
        let entries = self.policy.entries.iter().enumerate();
        entries.filter(move |(at, _)| !used(at)).map(|(_, entry)| entry)
    }

    /// How many functions there are of each verdict: one in several programs counts once, with
    /// the worst of its verdicts.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Verdict, usize> {
        let mut worst: BTreeMap<&Mark, Verdict> = BTreeMap::new();
        for finding in self.programs.iter().flat_map(|program| &program.findings) {
            let verdict = worst.entry(&finding.mark).or_insert(finding.verdict);
            *verdict = (*verdict).max(finding.verdict);
        }
        worst.extend(self.not_linked.iter().map(|mark| (mark, Verdict::NotLinked)));
        let mut counts = BTreeMap::new();
        for verdict in worst.into_values() {
            *counts.entry(verdict).or_default() += 1;
        }
        counts
    }
}

/// Runs the command.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    match verify(options) {
        Ok(outcome) => {
            let fails = outcome.fails(options.strict);
            match options.format {
                Format::Human => report::human::print(&outcome, options, fails),
                Format::Json => report::json::print(&outcome, fails),
                Format::Sarif => report::sarif::print(&problems(&outcome, options.strict)),
                Format::Github => report::github::print(&problems(&outcome, options.strict)),
                Format::Dot => report::dot::print(&outcome),
                Format::Html => report::html::print(&outcome),
            }
            ExitCode::from(u8::from(fails))
        }
        Err(error) => {
            report::human::error(&error.to_string());
            ExitCode::from(2)
        }
    }
}

/// Builds, reads and judges.
///
/// # Errors
///
/// Where the build fails, or a program cannot be read.
pub fn verify(options: &Options) -> Result<Outcome, Error> {
    let (mut policy, mut home) = match &options.policy {
        Some(path) => {
            let home = Home::file(&path.display().to_string());
            (policy::file::read(path, &text(path)?)?, home)
        }
        None => (Policy::new(), Home::nowhere()),
    };
    let (built, compilers, ours, root) = if options.programs.is_empty() {
        let workspace = compile::workspace(options.selection.manifest.as_deref(), false)?;
        if options.policy.is_none() {
            (policy, home) = policy_of(&workspace.root)?;
        }
        let built = compile::build(&workspace, &options.selection)?;
        let compilers = Compilers::of_workspace(&workspace)?;
        (built, compilers, Some(workspace.crates()), Some(workspace.root))
    } else {
        let linked = options.programs.iter().map(|path| Linked {
            name: path.display().to_string(),
            path: path.clone(),
            objects: Vec::new(),
        });
        let built = Built { linked: linked.collect(), libraries: Vec::new() };
        // For people alone: of the program, nothing says where it comes from.
        (built, Compilers::released(), None, compile::root_around())
    };
    let mut programs = Vec::new();
    for linked in &built.linked {
        programs.push(verify_program(linked, &policy, &compilers, ours.as_ref())?);
    }
    let (not_linked, unreadable) = not_linked(&built, &programs)?;
    Ok(Outcome { programs, not_linked, unreadable, root, policy, home })
}

fn policy_of(root: &Path) -> Result<(Policy, Home), Error> {
    let (path, manifest) = (root.join(NAME), root.join("Cargo.toml"));
    let of_manifest = policy::file::read_manifest(Path::new("Cargo.toml"), &text(&manifest)?)?;
    match (path.exists(), of_manifest) {
        (true, Some(_)) => Err(Error::TwoPolicies),
        (true, None) => Ok((policy::file::read(Path::new(NAME), &text(&path)?)?, Home::file(NAME))),
        (false, Some(found)) => Ok((found, Home::manifest())),
        (false, None) => Ok((Policy::new(), Home::file(NAME))),
    }
}

fn text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| Error::File { path: path.to_owned(), error })
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| Error::File { path: path.to_owned(), error })
}

fn verify_program(
    linked: &Linked,
    policy: &Policy,
    compilers: &Compilers,
    ours: Option<&BTreeSet<String>>,
) -> Result<Verified, Error> {
    let file = read(&linked.path)?;
    let begun = Instant::now();
    let program = Program::read(&file).map_err(|error| {
        let help = match error {
            program::Error::Stripped => {
                "\nhelp: something strips it after rustc: a link argument such as `-s`, or a linker script"
            }
            program::Error::NoRelocations => {
                "\nhelp: the linker has to take `--emit-relocs`, as bfd, lld and mold do"
            }
            _ => "",
        };
        Error::Program { path: linked.path.clone(), error, help }
    })?;
    let path = || linked.path.clone();
    compilers.know(&program).map_err(|error| Error::Unknown { path: path(), error })?;
    let reading = begun.elapsed();
    let begun = Instant::now();
    let of_marks: BTreeSet<String>;
    let ours = match ours {
        Some(ours) => ours,
        // Of a program alone, the crates with annotated functions are ours.
        None => {
            let first = |mark: &Mark| mark.module.split("::").next().unwrap_or("").to_owned();
            of_marks = program.marks.iter().map(first).collect();
            &of_marks
        }
    };
    let source = Source::of(&file);
    let judge = Judge::new(&program, policy, &source, ours);
    let findings = judge.findings();
    Ok(Verified {
        name: linked.name.clone(),
        path: linked.path.clone(),
        findings,
        panic_aborts: program.panic_aborts(),
        used: judge.used(),
        size: Size {
            nodes: program.graph.nodes(),
            edges: program.graph.edge_count(),
            indirects: program.graph.indirect_count(),
            reading,
            judging: begun.elapsed(),
        },
    })
}

/// What cannot be read of object files, by file.
type UnreadableParts = Vec<(PathBuf, Vec<Unreadable>)>;

/// The annotated functions that were compiled, and are in no program; and where there could be more of them.
fn not_linked(built: &Built, programs: &[Verified]) -> Result<(Vec<Mark>, UnreadableParts), Error> {
    let linked: BTreeSet<&Mark> =
        programs.iter().flat_map(|program| &program.findings).map(|found| &found.mark).collect();
    let mut compiled: BTreeSet<Mark> = BTreeSet::new();
    let mut read_so_far = Vec::new();
    let objects = built.linked.iter().flat_map(|linked| &linked.objects);
    for path in objects.chain(&built.libraries) {
        let mut objects = marks_of_objects(&read(path)?);
        compiled.extend(objects.marks.drain(..));
        read_so_far.push((path, objects));
    }
    let known: BTreeSet<&str> =
        linked.iter().copied().chain(&compiled).map(|mark| mark.path.as_str()).collect();
    let unreadable = read_so_far.into_iter().filter_map(|(path, objects)| {
        let in_bitcode = objects.in_bitcode.into_iter().filter(|path| !known.contains(&**path));
        let why = |path| format!("`{path}` is in LLVM bitcode, and in no program that was built");
        let in_bitcode = in_bitcode.map(|path| Unreadable { member: None, why: why(path) });
        let parts: Vec<Unreadable> = objects.unreadable.into_iter().chain(in_bitcode).collect();
        (!parts.is_empty()).then(|| (path.clone(), parts))
    });
    let unreadable = unreadable.collect();
    Ok((compiled.into_iter().filter(|mark| !linked.contains(mark)).collect(), unreadable))
}
