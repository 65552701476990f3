//! `backstop.toml`, or `[workspace.metadata.backstop]` in the manifest.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::{ASSUMPTIONS, Policy};
use crate::verdict::Known;

/// The file beside the workspace's manifest.
pub const NAME: &str = "backstop.toml";

/// Why a policy cannot be used, with the place in its file.
#[derive(Debug, thiserror::Error)]
#[error("{}:{line}:{column}: {message}", path.display())]
pub struct Error {
    path: PathBuf,
    line: usize,
    column: usize,
    message: String,
}

/// Where entries of a policy are to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// The file, for people.
    pub file: String,
    /// The head of an entry.
    pub table: &'static str,
}

impl Home {
    /// A file of its own.
    #[must_use]
    pub fn file(path: &str) -> Self {
        Self { file: format!("`{path}`"), table: "[[assume]]" }
    }

    /// The workspace's manifest.
    #[must_use]
    pub fn manifest() -> Self {
        Self { file: "`Cargo.toml`".to_owned(), table: "[[workspace.metadata.backstop.assume]]" }
    }

    /// There is no workspace.
    #[must_use]
    pub fn nowhere() -> Self {
        Self { file: "a file for `--policy`".to_owned(), table: "[[assume]]" }
    }

    /// The lines of an entry that allows a call, but for its reason.
    #[must_use]
    pub fn entry(&self, (from, to): &(String, String)) -> [String; 3] {
        // A string of JSON is one of TOML.
        let quoted = |name: &String| serde_json::Value::from(name.as_str()).to_string();
        [
            self.table.to_owned(),
            format!("edge = [{}, {}]", quoted(from), quoted(to)),
            "reason = \"..\"".to_owned(),
        ]
    }
}

/// An entry of `[[assume]]`, for a message about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The file that it is in.
    pub path: PathBuf,
    /// Its line there.
    pub line: usize,
    /// What it names.
    pub names: String,
    /// Why it holds, in the user's words.
    pub reason: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    #[serde(default)]
    not_assumed: Vec<Spanned<String>>,
    #[serde(default)]
    assume: Vec<Spanned<Assume>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Assume {
    poison: Option<String>,
    edge: Option<(String, String)>,
    reason: Spanned<String>,
}

#[derive(Deserialize)]
struct Manifest {
    workspace: Option<ManifestTable>,
}

#[derive(Deserialize)]
struct ManifestTable {
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    backstop: Option<Spanned<File>>,
}

/// A file and its text, to say where in it something is wrong.
struct Place<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Place<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.get(..at).map_or(1, |before| before.matches('\n').count() + 1)
    }

    fn error(&self, at: usize, message: impl Into<String>) -> Error {
        let before = self.text.get(..at).unwrap_or_default();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Error { path: self.path.to_owned(), line: self.line(at), column, message: message.into() }
    }

    fn of_toml(&self, error: &toml::de::Error) -> Error {
        self.error(error.span().map_or(0, |span| span.start), error.message())
    }
}

/// Reads a policy file.
///
/// # Errors
///
/// Where it is no TOML, has a key or an assumption that is unknown, or an entry without a reason.
pub fn read(path: &Path, text: &str) -> Result<Policy, Error> {
    let place = Place { path, text };
    let file: File = toml::from_str(text).map_err(|error| place.of_toml(&error))?;
    policy(&place, file)
}

/// Reads the policy in a workspace's manifest, if there is one.
///
/// # Errors
///
/// As [`read`].
pub fn read_manifest(path: &Path, text: &str) -> Result<Option<Policy>, Error> {
    let place = Place { path, text };
    let manifest: Manifest = toml::from_str(text).map_err(|error| place.of_toml(&error))?;
    let table = manifest.workspace.and_then(|workspace| workspace.metadata);
    let found = table.and_then(|metadata| metadata.backstop);
    found.map(|file| policy(&place, file.into_inner())).transpose()
}

fn policy(place: &Place<'_>, file: File) -> Result<Policy, Error> {
    let mut policy = Policy::new();
    for name in file.not_assumed {
        if !ASSUMPTIONS.iter().any(|known| known.name == name.get_ref()) {
            let known: Vec<_> = ASSUMPTIONS.iter().map(|row| format!("`{}`", row.name)).collect();
            let message = format!(
                "nothing of the name `{}` is assumed\nhelp: what can be turned off is {}",
                name.get_ref(),
                known.join(", ")
            );
            return Err(place.error(name.span().start, message));
        }
        policy.not_assumed.push(name.into_inner());
    }
    for entry in file.assume {
        let at = entry.span().start;
        let Assume { poison, edge, reason } = entry.into_inner();
        if reason.get_ref().trim().is_empty() {
            let message = "the reason is empty\nhelp: say why this never happens";
            return Err(place.error(reason.span().start, message));
        }
        let (known, names) = match (poison, edge) {
            (Some(poison), None) => (Known::Poison(poison.clone()), format!("`{poison}`")),
            (None, Some((from, to))) => {
                let names = format!("the call of `{to}` in `{from}`");
                (Known::Edge(from, to), names)
            }
            _ => {
                let message = "an assumption names a poison or an edge\nhelp: write \
                               `poison = \"function\"` or `edge = [\"caller\", \"callee\"]`";
                return Err(place.error(at, message));
            }
        };
        policy.known.push(known);
        policy.entries.push(Entry {
            path: place.path.to_owned(),
            line: place.line(at),
            names,
            reason: reason.into_inner(),
        });
    }
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        read(Path::new("backstop.toml"), text).expect_err("wrong").to_string()
    }

    #[test]
    fn entries_are_read_with_their_places() {
        let text = "not-assumed = [\"alloc_error\"]\n\n[[assume]]\npoison = \"app::f\"\nreason = \
                    \"only at start\"\n\n[[assume]]\nedge = [\"app::g\", \"exit\"]\nreason = \"no\"\n";
        let policy = read(Path::new("backstop.toml"), text).expect("right");
        assert_eq!(policy.not_assumed, ["alloc_error"]);
        assert_eq!(
            policy.known,
            [
                Known::Poison("app::f".to_owned()),
                Known::Edge("app::g".to_owned(), "exit".to_owned())
            ]
        );
        assert_eq!(policy.entries[1].line, 7);
        assert_eq!(policy.entries[0].reason, "only at start");
    }

    #[test]
    fn what_is_wrong_is_told_with_file_and_line() {
        assert!(error("strict = true").starts_with("backstop.toml:1:1: unknown field `strict`"));
        let unknown = error("\nnot-assumed = [\"panics\"]");
        assert!(
            unknown.starts_with("backstop.toml:2:16: nothing of the name `panics`"),
            "{unknown}"
        );
        let empty = error("[[assume]]\npoison = \"f\"\nreason = \" \"");
        assert!(empty.starts_with("backstop.toml:3:10: the reason is empty"), "{empty}");
        let missing = error("[[assume]]\npoison = \"f\"\n");
        assert!(missing.contains("missing field `reason`"), "{missing}");
        let neither = error("[[assume]]\nreason = \"so\"\n");
        assert!(neither.contains("names a poison or an edge"), "{neither}");
        assert!(error("[[assume]\n").starts_with("backstop.toml:1:"));
    }

    #[test]
    fn a_manifest_may_hold_the_policy() {
        let text = "[workspace]\nmembers = []\n[workspace.metadata.backstop]\nnot-assumed = \
                    [\"panic\"]\n[workspace.metadata.other]\nx = 1\n";
        let found = read_manifest(Path::new("Cargo.toml"), text).expect("right").expect("there");
        assert_eq!(found.not_assumed, ["panic"]);
        let none = read_manifest(Path::new("Cargo.toml"), "[package]\nname = \"a\"\n");
        assert!(none.expect("right").is_none());
        let wrong = "[workspace.metadata.backstop]\nstrict = 1\n";
        let error = read_manifest(Path::new("Cargo.toml"), wrong).expect_err("wrong").to_string();
        assert!(error.starts_with("Cargo.toml:2:1: unknown field"), "{error}");
    }
}
