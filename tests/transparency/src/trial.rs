//! One crate in one mode: rewrite, build, allow what is refused, test, compare.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::cargo::{Build, Cargo, Complaint, PROGRAM, Results};
use crate::mode::Mode;
use crate::package::{Package, copy_tree, sources};
use crate::refusals::{Refusal, Table, file_name, rule};
use crate::rewrite::{Exceptions, Function, rewrite};

/// What the probe says of a block that was marked before a destructor panicked.
const LATE: &str = "no unwind, but the thread panics";

/// Refusals are found a compiler pass and a target at a time.
const ROUNDS: usize = 24;

/// The untouched copy and what its tests say.
pub(crate) struct Baseline {
    pub(crate) package: Package,
    pub(crate) root: PathBuf,
    pub(crate) results: Results,
    warnings: BTreeSet<(PathBuf, usize, String)>,
    pub(crate) check_seconds: Option<f64>,
}

/// What came out of a trial.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    pub(crate) functions: usize,
    pub(crate) tests: usize,
    pub(crate) refusals: Vec<Refusal>,
    /// What is not as it was.
    pub(crate) differences: Vec<String>,
    /// Of interest, and no difference.
    pub(crate) notes: Vec<String>,
    pub(crate) check_seconds: Option<f64>,
}

impl Baseline {
    /// Builds and tests the untouched copy.
    pub(crate) fn of(package: Package, root: PathBuf, cargo: &Cargo, timing: bool) -> Result<Self> {
        let build = cargo.build(&root)?;
        if let Some(error) = build.errors.first() {
            anyhow::bail!("{} does not build untouched:\n{}", package.name, error.rendered);
        }
        let results = cargo.test(&root, &build, package.too_long, &root.join("probe.txt"))?;
        let check_seconds = timing.then(|| cargo.check_seconds(&root)).transpose()?;
        Ok(Self { package, warnings: warnings(&build), root, results, check_seconds })
    }

    /// Rewrites a copy of it for `mode`, and compares.
    pub(crate) fn trial(
        &self,
        mode: Mode,
        cargo: &Cargo,
        table: &Table,
        timing: bool,
    ) -> Result<Trial> {
        let root = self.root.with_file_name(mode.name());
        copy_tree(&self.root, &root)?;
        let mut rewriting = Rewriting {
            mode,
            from: &self.root,
            to: &root,
            exceptions: BTreeMap::new(),
            functions: BTreeMap::new(),
            put_off: Vec::new(),
        };
        let mut trial = Trial::default();
        let mut build = None;
        for _ in 0..ROUNDS {
            rewriting.write()?;
            let attempt = cargo.build(&root)?;
            if attempt.errors.is_empty() {
                ensure!(attempt.compiled, "cargo took the rewritten sources for the former ones");
                build = Some(attempt);
                break;
            }
            if !rewriting.except(&attempt.errors, &mut trial)? {
                break;
            }
        }
        trial.functions = rewriting.functions.values().map(Vec::len).sum();
        let Some(build) = build else {
            trial.differences.push("it does not build".into());
            return Ok(trial);
        };
        for error in &rewriting.put_off {
            let text = &error.rendered;
            trial.differences.push(format!("an error that came with a refusal only:\n{text}"));
        }
        for refusal in &trial.refusals {
            if table.why(self.package.name, refusal).is_none() {
                trial.differences.push(format!(
                    "{} refuses {}:{}, which refusals.toml does not explain: {}",
                    refusal.rule, refusal.file, refusal.line, refusal.text
                ));
            }
        }
        for warning in &build.warnings {
            let key = (warning.file.clone(), warning.line, warning.message.clone());
            if !self.warnings.contains(&key) {
                trial
                    .differences
                    .push(format!("a warning that was not there:\n{}", warning.rendered));
            }
        }
        let probe_out = root.join("probe.txt");
        let results = cargo.test(&root, &build, self.package.too_long, &probe_out)?;
        trial.tests = results.keys().filter(|(_, test)| test != PROGRAM).count();
        trial.compare(&self.results, &results);
        if mode.counts() {
            trial.count(&probe_out, |place| table.panics_late(self.package.name, place))?;
        }
        trial.check_seconds = timing.then(|| cargo.check_seconds(&root)).transpose()?;
        Ok(trial)
    }
}

fn warnings(build: &Build) -> BTreeSet<(PathBuf, usize, String)> {
    let warnings = build.warnings.iter();
    warnings.map(|w| (w.file.clone(), w.line, w.message.clone())).collect()
}

/// The state of a copy's sources.
struct Rewriting<'a> {
    mode: Mode,
    from: &'a Path,
    to: &'a Path,
    exceptions: BTreeMap<PathBuf, Exceptions>,
    functions: BTreeMap<PathBuf, Vec<Function>>,
    /// Errors beside refusals.
    put_off: Vec<Complaint>,
}

impl Rewriting<'_> {
    /// Writes every file anew.
    fn write(&mut self) -> Result<()> {
        for file in sources(self.from)? {
            let text = fs::read_to_string(self.from.join(&file))?;
            let exceptions = self.exceptions.entry(file.clone()).or_default();
            let Ok(rewritten) = rewrite(&text, &file_name(&file), self.mode, exceptions) else {
                // A fixture that is not Rust, or a fragment for `include!`.
                continue;
            };
            let target = self.to.join(&file);
            if fs::read_to_string(&target)? != rewritten.text {
                fs::write(target, rewritten.text)?;
            }
            self.functions.insert(file, rewritten.functions);
        }
        Ok(())
    }

    /// Makes exceptions of what the compiler complains about: allows what a rule refuses, and
    /// where something else is wrong leaves the function as it was, so that the rest is tested.
    /// Tells whether that may have changed anything.
    fn except(&mut self, errors: &[Complaint], trial: &mut Trial) -> Result<bool> {
        let refused = errors.iter().any(|error| rule(error).is_some());
        let mut changed = false;
        for error in errors {
            let rule = rule(error);
            // Others should not be there: see whether they go with the refusals.
            if refused && rule.is_none() {
                if !self.put_off.iter().any(|other| other.is(error)) {
                    self.put_off.push(error.clone());
                }
                continue;
            }
            self.put_off.retain(|other| !other.is(error));
            let Some(function) = self.function(error) else {
                let text = &error.rendered;
                trial.differences.push(format!("an error outside of every function:\n{text}"));
                continue;
            };
            let start = function.start;
            let name = function.name.clone();
            let exceptions = self.exceptions.entry(error.file.clone()).or_default();
            let exception = exceptions.entry(start).or_default();
            match rule {
                Some(rule) => {
                    let refusal = Refusal {
                        rule,
                        file: file_name(&error.file),
                        line: error.line,
                        text: line_of(&self.from.join(&error.file), error.line)?,
                    };
                    if !exception.allows.iter().any(|allowed| allowed == rule) {
                        exception.allows.push(rule.to_owned());
                        changed = true;
                        trial.refusals.push(refusal);
                    } else if !trial.refusals.contains(&refusal) {
                        trial.refusals.push(refusal);
                    } else if !exception.bare {
                        exception.bare = true;
                        changed = true;
                        trial.differences.push(format!(
                            "`allow({rule})` on `{name}` does not allow it:\n{}",
                            error.rendered
                        ));
                    }
                }
                None if exception.bare => {}
                None => {
                    exception.bare = true;
                    changed = true;
                    trial
                        .differences
                        .push(format!("`{name}` does not compile:\n{}", error.rendered));
                }
            }
        }
        Ok(changed)
    }

    /// The innermost function at a place.
    fn function(&self, error: &Complaint) -> Option<&Function> {
        let functions = self.functions.get(&error.file)?.iter();
        functions
            .filter(|function| (function.lines.0..=function.lines.1).contains(&error.line))
            .min_by_key(|function| function.lines.1 - function.lines.0)
    }
}

fn line_of(path: &Path, line: usize) -> Result<String> {
    let text = fs::read_to_string(path)?;
    let line = text.lines().nth(line.saturating_sub(1)).context("a line that is not there")?;
    Ok(line.trim().to_owned())
}

impl Trial {
    fn compare(&mut self, before: &Results, after: &Results) {
        let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for key in names {
            let result = |results: &Results| {
                results.get(key).cloned().unwrap_or_else(|| "not there".to_owned())
            };
            let (before, after) = (result(before), result(after));
            if before != after {
                let (target, test) = key;
                self.differences.push(format!("{target}: {test}: was {before}, is {after}"));
            }
        }
    }

    /// Adds up what the probes of all test programs wrote.
    fn count(&mut self, path: &Path, panics_late: impl Fn(&str) -> bool) -> Result<()> {
        let text = fs::read_to_string(path).context("no probe has written its counts")?;
        let mut counts = [0_u64; 4];
        let mut wrong = BTreeSet::new();
        for line in text.lines() {
            let mut fields = line.split('\t');
            match fields.next() {
                Some("count") => {
                    for (sum, field) in counts.iter_mut().zip(fields) {
                        *sum += field.parse::<u64>().context("a broken line of a probe")?;
                    }
                }
                Some("wrong") => {
                    let what = fields.next().unwrap_or_default();
                    let place = fields.next().unwrap_or_default();
                    if !(what == LATE && panics_late(place)) {
                        wrong.insert(format!("{what}: {place}"));
                    }
                }
                _ => {}
            }
        }
        let [entered, success, error, unwind] = counts;
        self.notes.push(format!(
            "entered {entered}, left by success {success}, error {error}, unwind {unwind}"
        ));
        if entered == 0 {
            self.differences.push("no guard was reached".into());
        }
        if entered != success + error + unwind {
            self.differences.push(format!(
                "{entered} blocks were entered and {} left",
                success + error + unwind
            ));
        }
        self.differences.extend(wrong);
        Ok(())
    }
}
