//! Builds a copy and runs its tests.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::Message;
use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel, DiagnosticSpan};
use wait_timeout::ChildExt as _;

/// How long one test program may take. A rewritten test that never ends is a difference, too.
const PATIENCE: Duration = Duration::from_secs(600);

/// The name under which the results have how a test program ended.
pub(crate) const PROGRAM: &str = "(the program)";

/// The variable through which the probe is told where to write.
pub(crate) const PROBE_OUT: &str = "BACKSTOP_TRANSPARENCY_OUT";

/// Runs cargo for the copies, all with one target folder.
pub(crate) struct Cargo {
    pub(crate) target: PathBuf,
}

/// What a build gave.
#[derive(Default)]
pub(crate) struct Build {
    pub(crate) errors: Vec<Complaint>,
    pub(crate) warnings: Vec<Complaint>,
    /// By the target's name.
    executables: BTreeMap<String, PathBuf>,
    /// Whether something was compiled. All copies of a crate look the same to cargo, but for the
    /// times of their files.
    pub(crate) compiled: bool,
}

/// A message of the compiler about a source file of the copy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Complaint {
    /// Relative to the copy; empty where rustc named none.
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    pub(crate) message: String,
    pub(crate) code: Option<String>,
    pub(crate) rendered: String,
}

impl Complaint {
    /// Whether this is the same message, however the line looks now.
    pub(crate) fn is(&self, other: &Self) -> bool {
        (&self.file, self.line, &self.message) == (&other.file, other.line, &other.message)
    }
}

/// The results, by target and name.
pub(crate) type Results = BTreeMap<(String, String), String>;

impl Cargo {
    fn command(&self, copy: &Path) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        command
            .current_dir(copy)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TERM_COLOR", "never")
            .stdin(Stdio::null());
        command
    }

    /// Builds the tests.
    pub(crate) fn build(&self, copy: &Path) -> Result<Build> {
        let output = self
            .command(copy)
            .args(["build", "--lib", "--tests", "--keep-going", "--message-format=json"])
            .output()
            .context("cannot run cargo")?;
        let mut build = Build::default();
        let copy = fs::canonicalize(copy)?;
        let manifest = copy.join("Cargo.toml");
        for message in Message::parse_stream(output.stdout.as_slice()) {
            match message? {
                Message::CompilerMessage(message) => {
                    // Not the dependencies' warnings.
                    if !message.target.src_path.starts_with(&copy) {
                        continue;
                    }
                    let complaint = complaint(&message.message);
                    match message.message.level {
                        DiagnosticLevel::Error | DiagnosticLevel::Ice => {
                            build.errors.extend(complaint);
                        }
                        DiagnosticLevel::Warning => build.warnings.extend(complaint),
                        _ => {}
                    }
                }
                Message::CompilerArtifact(artifact) => {
                    let own =
                        fs::canonicalize(&artifact.manifest_path).ok() == Some(manifest.clone());
                    build.compiled |= own && !artifact.fresh;
                    if let (true, true, Some(executable)) =
                        (own, artifact.profile.test, artifact.executable)
                    {
                        let kind = artifact.target.kind.first().map(ToString::to_string);
                        let name = format!("{} {}", kind.unwrap_or_default(), artifact.target.name);
                        build.executables.insert(name, executable.into());
                    }
                }
                _ => {}
            }
        }
        for list in [&mut build.errors, &mut build.warnings] {
            list.sort();
            list.dedup_by(|a, b| a.is(b));
        }
        if build.errors.is_empty() && !output.status.success() {
            bail!("cargo build failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(build)
    }

    /// Runs the built tests and the doc tests.
    pub(crate) fn test(
        &self,
        copy: &Path,
        build: &Build,
        skip: &[&str],
        probe_out: &Path,
    ) -> Result<Results> {
        let mut results = Results::new();
        for (target, executable) in &build.executables {
            let mut command = Command::new(executable);
            command
                .args(skip.iter().flat_map(|test| ["--skip", *test]))
                .current_dir(copy)
                .env("CARGO_MANIFEST_DIR", copy)
                .env(PROBE_OUT, probe_out)
                // A fifth of the usual number: with counting guards everywhere the full one takes
                // minutes.
                .env("QUICKCHECK_TESTS", "20")
                .stdin(Stdio::null());
            run(command, target, copy, &mut results)?;
        }
        let mut command = self.command(copy);
        command.args(["test", "--doc", "--no-fail-fast"]).env(PROBE_OUT, probe_out);
        run(command, "doc", copy, &mut results)?;
        Ok(results)
    }

    /// The fewest seconds that `cargo check` of the library took in a few runs.
    pub(crate) fn check_seconds(&self, copy: &Path) -> Result<f64> {
        let root = copy.join("src/lib.rs");
        let mut least = f64::INFINITY;
        for turn in 0..4 {
            let text = fs::read(&root)?;
            fs::write(&root, text)?;
            let began = Instant::now();
            let output = self.command(copy).args(["check", "--lib", "--quiet"]).output()?;
            if !output.status.success() {
                bail!("cargo check failed:\n{}", String::from_utf8_lossy(&output.stderr));
            }
            // The first one may have built the dependencies.
            if turn > 0 {
                least = least.min(began.elapsed().as_secs_f64());
            }
        }
        Ok(least)
    }
}

fn complaint(diagnostic: &Diagnostic) -> Option<Complaint> {
    // "aborting due to .." and "3 warnings emitted" sum up and name no place.
    let span = diagnostic.spans.iter().find(|span| span.is_primary).map(outermost);
    if span.is_none() && diagnostic.code.is_none() && diagnostic.children.is_empty() {
        return None;
    }
    Some(Complaint {
        file: span.map(|span| PathBuf::from(&span.file_name)).unwrap_or_default(),
        line: span.map_or(0, |span| span.line_start),
        message: diagnostic.message.clone(),
        code: diagnostic.code.as_ref().map(|code| code.code.clone()),
        rendered: diagnostic.rendered.clone().unwrap_or_default(),
    })
}

/// The place in the function: where its macros are called. An attribute's own tokens lie there
/// already.
fn outermost(span: &DiagnosticSpan) -> &DiagnosticSpan {
    match &span.expansion {
        Some(expansion) if !expansion.macro_decl_name.starts_with("#[") => {
            outermost(&expansion.span)
        }
        _ => span,
    }
}

/// Runs a test program and reads its results.
fn run(mut command: Command, target: &str, copy: &Path, results: &mut Results) -> Result<()> {
    // Files, not pipes: nobody has to read while waiting.
    let path = copy.join("transparency-stdout.txt");
    let mut child = command
        .stdout(File::create(&path)?)
        .stderr(File::create(copy.join("transparency-stderr.txt"))?)
        .spawn()
        .with_context(|| format!("cannot run the tests of {target}"))?;
    let Some(status) = child.wait_timeout(PATIENCE)? else {
        child.kill()?;
        child.wait()?;
        results.insert((target.to_owned(), PROGRAM.into()), "never ended".into());
        return Ok(());
    };
    let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
    for line in text.lines() {
        let Some((name, result)) =
            line.strip_prefix("test ").and_then(|line| line.rsplit_once(" ... "))
        else {
            continue;
        };
        results.insert((target.to_owned(), name.to_owned()), result.to_owned());
    }
    let end = if status.success() { "passed".to_owned() } else { format!("{status}") };
    if !status.success() {
        fs::write(copy.join(format!("failed {target}.txt")), &text)?;
    }
    results.insert((target.to_owned(), PROGRAM.into()), end);
    Ok(())
}
