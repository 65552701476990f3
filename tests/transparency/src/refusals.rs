//! What the attributes refuse in the crates under test, and why each refusal is a true one.

use std::path::Path;

use anyhow::{Context as _, Result};
use backstop_rules::{RULES, Rule};
use serde::Deserialize;

use crate::cargo::Complaint;

/// A line that a rule refuses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Refusal {
    pub(crate) rule: &'static str,
    pub(crate) file: String,
    pub(crate) line: usize,
    /// The line, without the space around it.
    pub(crate) text: String,
}

/// The committed table.
#[derive(Debug, Deserialize)]
pub(crate) struct Table {
    #[serde(rename = "refusal", default)]
    entries: Vec<Entry>,
    /// Blocks that are left as the mode says, and then a destructor panics.
    #[serde(default)]
    late_panic: Vec<LatePanic>,
}

/// A block that is marked as left normally before a destructor in it panics: the mark stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LatePanic {
    package: String,
    /// `FILE:LINE FUNCTION`
    place: String,
    #[expect(dead_code, reason = "for readers of the table")]
    why: String,
}

/// Refusals of one rule for one reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    package: String,
    rule: String,
    why: String,
    /// `FILE: TEXT OF THE LINE`
    lines: Vec<String>,
}

impl Table {
    /// Reads the table that is built in.
    pub(crate) fn read() -> Result<Self> {
        let text = include_str!("../refusals.toml");
        toml_edit::de::from_str(text).context("cannot read refusals.toml")
    }

    /// Why a refusal is a true one, if it is known.
    pub(crate) fn why(&self, package: &str, refusal: &Refusal) -> Option<&str> {
        let line = refusal.key();
        self.entries
            .iter()
            .find(|entry| {
                entry.package == package
                    && entry.rule == refusal.rule
                    && entry.lines.contains(&line)
            })
            .map(|entry| entry.why.as_str())
    }

    /// Whether a destructor is known to panic after this block was marked.
    pub(crate) fn panics_late(&self, package: &str, place: &str) -> bool {
        self.late_panic.iter().any(|late| late.package == package && late.place == place)
    }

    /// What the table has of a package and was not seen.
    pub(crate) fn unseen(&self, package: &str, seen: &[Refusal]) -> Vec<String> {
        let entries = self.entries.iter().filter(|entry| entry.package == package);
        entries
            .flat_map(|entry| entry.lines.iter().map(move |line| (&entry.rule, line)))
            .filter(|(rule, line)| {
                !seen.iter().any(|refusal| refusal.rule == **rule && refusal.key() == **line)
            })
            .map(|(rule, line)| format!("{rule}: {line}"))
            .collect()
    }
}

impl Refusal {
    /// As the table has it.
    pub(crate) fn key(&self) -> String {
        format!("{}: {}", self.file, self.text)
    }
}

/// The rule by which a message refuses, if it is one of ours.
pub(crate) fn rule(complaint: &Complaint) -> Option<&'static str> {
    if complaint.code.as_deref() == Some("unreachable_code") {
        // The compiler's own lint, with the reason that the marker gives.
        return complaint.rendered.contains("not known to unwind").then_some("diverging_call");
    }
    let of_reason = |rule: &&Rule| complaint.message.contains(rule.reason);
    let first = RULES.iter().find(of_reason)?;
    // Two rules may give one reason; what stands before it names the function.
    let (subject, _) = complaint.message.split_once(first.reason)?;
    let names = |path: &str| path.rsplitn(3, "::").take(2).all(|name| subject.contains(name));
    let rule = RULES.iter().filter(of_reason).find(|rule| rule.paths.iter().any(|p| names(p)));
    Some(rule.unwrap_or(first).name)
}

/// The file of a place, with `/` everywhere.
pub(crate) fn file_name(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
