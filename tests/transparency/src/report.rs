//! What came out, as a table.

use std::collections::BTreeSet;
use std::fmt;

use crate::mode::Mode;
use crate::refusals::{Refusal, Table};
use crate::trial::{Baseline, Trial};

/// The results of all trials.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
    unseen: Vec<String>,
}

#[derive(Debug)]
struct Row {
    package: String,
    mode: Mode,
    bare_seconds: Option<f64>,
    reasons: Vec<String>,
    trial: Trial,
}

impl Report {
    pub(crate) fn add(&mut self, baseline: &Baseline, mode: Mode, trial: Trial, table: &Table) {
        let name = baseline.package.name;
        let why = |refusal| table.why(name, refusal).unwrap_or("not explained").to_owned();
        self.rows.push(Row {
            package: format!("{name} {}", baseline.package.version),
            mode,
            bare_seconds: baseline.check_seconds,
            reasons: trial.refusals.iter().map(why).collect(),
            trial,
        });
    }

    pub(crate) fn unseen(&mut self, package: &str, entries: Vec<String>) {
        self.unseen.extend(entries.into_iter().map(|entry| format!("{package}: {entry}")));
    }

    /// Whether everything is as it was without the attributes, but for explained refusals.
    #[must_use]
    pub fn identical(&self) -> bool {
        self.unseen.is_empty() && self.rows.iter().all(|row| row.trial.differences.is_empty())
    }
}

impl Report {
    /// The refusals of all modes, each once.
    fn refusals(&self) -> BTreeSet<(&str, &Refusal, &str)> {
        self.rows
            .iter()
            .flat_map(|row| {
                let explained = row.trial.refusals.iter().zip(&row.reasons);
                explained.map(|(refusal, why)| (row.package.as_str(), refusal, why.as_str()))
            })
            .collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            let Row { package, mode, trial, .. } = row;
            for difference in &trial.differences {
                writeln!(f, "{package}, {mode}: {difference}")?;
            }
            for note in &trial.notes {
                writeln!(f, "{package}, {mode}: {note}")?;
            }
        }
        for (package, refusal, why) in self.refusals() {
            let Refusal { rule, file, line, text } = refusal;
            writeln!(f, "{package}: {rule} refuses {file}:{line} `{text}`: {why}")?;
        }
        for entry in &self.unseen {
            writeln!(f, "refusals.toml has what is not refused: {entry}")?;
        }
        writeln!(
            f,
            "\n{:<20} {:<13} {:>9} {:>6} {:>9} {:>9}  check",
            "crate", "mode", "functions", "tests", "identical", "refusals"
        )?;
        for Row { package, mode, bare_seconds, trial, .. } in &self.rows {
            let identical = if trial.differences.is_empty() { "yes" } else { "NO" };
            write!(
                f,
                "{package:<20} {:<13} {:>9} {:>6} {identical:>9} {:>9}",
                mode.name(),
                trial.functions,
                trial.tests,
                trial.refusals.len()
            )?;
            if let (Some(bare), Some(annotated)) = (bare_seconds, trial.check_seconds) {
                write!(f, "  {:.2} x ({bare:.2} s, {annotated:.2} s)", annotated / bare)?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
