//! Whether the names that the table has for the standard library's functions are those of the library
//! in the program.
//!
//! A name that the table does not have would not be found, and what calls it would be proven. So a
//! little program, whose every verdict is known, is built by the same compiler beside the user's: where
//! one of them comes out wrong, nothing is said of the user's. A program that was built elsewhere has to
//! come from a release of which the names were looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::compile::{self, Workspace};
use crate::policy::{Policy, RELEASES};
use crate::program::{self, Program};
use crate::source::Source;
use crate::verdict::{Finding, Judge, Verdict};

/// The little program.
pub const SOURCE: &str = include_str!("canary/main.rs");

const MANIFEST: &str = "\
[package]
name = \"canary\"
version = \"0.0.0\"
edition = \"2021\"

[[bin]]
name = \"canary\"
path = \"main.rs\"

[workspace]
";

/// Why nothing can be said of a program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It comes from a compiler whose standard library was not looked at.
    #[error("it was compiled by rustc {0}, whose standard library this version does not know, so nothing that it proves would be sure\nhelp: let `cargo backstop verify` build it, which tries the library first; without that, the releases {releases} are known", releases = RELEASES.join(", "))]
    Compiler(String),
    /// It does not say where it comes from.
    #[error(
        "it does not say which rustc compiled it (the section `.comment` is gone), so its standard library is not known"
    )]
    NoCompiler,
    /// A verdict on the little program is wrong.
    #[error("the standard library of rustc {compiler} is not one that this version knows: a function that {what} came out as \"{verdict}\"\nhelp: nothing that it proves would be sure; use a later version of cargo-backstop, or a release of rustc that it knows: {releases}", releases = RELEASES.join(", "))]
    Library {
        /// The compiler.
        compiler: String,
        /// What the function does.
        what: &'static str,
        /// What was found.
        verdict: String,
    },
    /// The little program could not be built.
    #[error("cannot try the standard library: {0}")]
    Build(#[from] compile::Error),
    /// It could not be read.
    #[error("cannot try the standard library: {0}")]
    Program(#[from] program::Error),
    /// A file of it could not be read or written.
    #[error("cannot use `{path}`: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// What has to come out for a function of the little program.
enum Known {
    /// A call of this function of the standard library.
    Reaches(&'static str),
    /// A sink of this rule, by whatever name a release has for it.
    Rule(&'static str),
    /// No sink, but for what others may put into a pointer.
    Harmless,
}

/// The functions of the little program, what each does, and what has to be found.
const FUNCTIONS: &[(&str, &str, Known)] = &[
    ("process_exit", "calls `std::process::exit`", Known::Reaches("std::process::exit")),
    ("process_exit_by_value", "hands on `std::process::exit`", Known::Rule("process_exit")),
    ("process_abort", "calls `std::process::abort`", Known::Reaches("std::process::abort")),
    (
        "process_exec",
        "calls `Command::exec`",
        Known::Reaches("<std::process::Command as std::os::unix::process::CommandExt>::exec"),
    ),
    ("detached_thread", "calls `std::thread::spawn`", Known::Rule("detached_thread")),
    ("detached_thread_by_builder", "calls `Builder::spawn`", Known::Rule("detached_thread")),
    ("panics", "panics", Known::Rule("diverging_call")),
    ("panics_with_a_value", "calls `std::panic::panic_any`", Known::Rule("diverging_call")),
    ("resumes", "calls `std::panic::resume_unwind`", Known::Rule("diverging_call")),
    ("allocates", "allocates", Known::Rule("alloc_error")),
    ("harmless", "prints, reads, and runs commands and threads", Known::Harmless),
    ("harmless_in_a_scope", "runs a thread in a scope", Known::Harmless),
];

/// The compilers whose standard libraries are known.
#[derive(Clone, Debug, Default)]
pub struct Compilers(BTreeSet<String>);

impl Compilers {
    /// Those of the releases whose names were looked at, and no others.
    #[must_use]
    pub fn released() -> Self {
        Self::default()
    }

    /// Also the one that builds this workspace, if its standard library passes.
    ///
    /// # Errors
    ///
    /// Where it does not, or that could not be found out.
    pub fn of_workspace(workspace: &Workspace) -> Result<Self, Error> {
        let folder = compile::folder(workspace).join("canary");
        write(&folder.join("Cargo.toml"), MANIFEST)?;
        write(&folder.join("main.rs"), SOURCE)?;
        let path = compile::single(workspace, &folder)?;
        let file = std::fs::read(&path).map_err(|error| Error::File { path, error })?;
        check(&file).map(Self)
    }

    /// Whether the standard library in a program is known.
    ///
    /// # Errors
    ///
    /// Where it is not, or the program does not tell.
    pub fn know(&self, program: &Program) -> Result<(), Error> {
        if program.compilers.is_empty() {
            return Err(Error::NoCompiler);
        }
        match program.compilers.iter().find(|version| !self.knows(version)) {
            Some(version) => Err(Error::Compiler(version.clone())),
            None => Ok(()),
        }
    }

    fn knows(&self, version: &str) -> bool {
        let is_of = |release: &&str| {
            let point = version.strip_prefix(*release).and_then(|rest| rest.strip_prefix('.'));
            point.is_some_and(|point| point.parse::<u32>().is_ok())
        };
        self.0.contains(version) || RELEASES.iter().any(is_of)
    }
}

/// Writes a file unless it holds just that: cargo would build anew.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |error| Error::File { path: path.to_owned(), error };
    if std::fs::read_to_string(path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}

/// Whether each verdict on the little program, as linked, is what it has to be: the versions of the
/// compilers that it comes from.
///
/// # Errors
///
/// Where one is not, or the file cannot be read.
pub fn check(file: &[u8]) -> Result<BTreeSet<String>, Error> {
    let program = Program::read(file)?;
    if program.compilers.is_empty() {
        return Err(Error::NoCompiler);
    }
    let (source, ours) = (Source::of(file), BTreeSet::from(["canary".to_owned()]));
    // What is assumed not to happen has to be found, too, when somebody asks for it.
    let not_assumed = ["panic", "alloc_error"].map(str::to_owned).to_vec();
    let (usual, strict) = (Policy::new(), Policy { not_assumed, ..Policy::new() });
    let usual = by_name(Judge::new(&program, &usual, &source, &ours).findings());
    let strict = by_name(Judge::new(&program, &strict, &source, &ours).findings());
    for (name, what, known) in FUNCTIONS {
        let assumed = matches!(known, Known::Rule("diverging_call" | "alloc_error"));
        let finding = if assumed { strict.get(*name) } else { usual.get(*name) };
        if !finding.is_some_and(|finding| is_right(finding, known)) {
            let compiler = program.compilers.iter().cloned().collect::<Vec<_>>().join(" and ");
            let verdict = finding.map_or("not linked", |finding| finding.verdict.name()).to_owned();
            return Err(Error::Library { compiler, what, verdict });
        }
    }
    Ok(program.compilers)
}

fn by_name(findings: Vec<Finding>) -> BTreeMap<String, Finding> {
    let name = |finding: &Finding| finding.mark.path.rsplit("::").next().unwrap_or("").to_owned();
    findings.into_iter().map(|finding| (name(&finding), finding)).collect()
}

fn is_right(finding: &Finding, known: &Known) -> bool {
    let mut paths = finding.paths.iter();
    match known {
        Known::Harmless => finding.verdict <= Verdict::Conditional,
        Known::Reaches(name) => {
            finding.verdict == Verdict::Violated && paths.any(|path| path.sink_name == *name)
        }
        Known::Rule(rule) => {
            // By a name of the library's: below it, anything may end there.
            finding.verdict >= Verdict::May
                && paths.any(|path| {
                    path.sink.rule == *rule && path.sink.functions.contains(&&*path.sink_name)
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn point_releases_are_known_and_others_are_not() {
        let mut compilers = Compilers::released();
        assert!(compilers.knows("1.95.0") && compilers.knows("1.85.1"));
        for other in ["1.950.0", "1.9.0", "1.96.0", "1.95.0-nightly", "1.95", "2.0.0", ""] {
            assert!(!compilers.knows(other), "{other}");
        }
        compilers.0.insert("1.97.0-nightly".to_owned());
        assert!(compilers.knows("1.97.0-nightly"));
    }
}
