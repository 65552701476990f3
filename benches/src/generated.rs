//! A generated workspace, a crate for each thing whose build time is measured.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

/// How many functions a crate has.
pub const FUNCTIONS: usize = 2000;

/// A crate of annotated functions.
#[derive(Clone, Copy, Debug)]
pub struct Annotated {
    pub name: &'static str,
    /// What stands in `[dependencies]`.
    dependency: &'static str,
    /// What stands before the first function.
    prelude: &'static str,
    function: fn(&mut String, usize) -> std::fmt::Result,
}

impl Annotated {
    /// The name of its package, which is no published one's, and of the folder that it is in.
    #[must_use]
    pub fn package(&self) -> String {
        format!("functions-{}", self.name)
    }
}

/// What `cargo check` is timed on. The first is what the others are compared with, the second the
/// control.
pub const ANNOTATED: [Annotated; 10] = [
    Annotated { name: "bare", dependency: "", prelude: "", function: bare },
    Annotated { name: "control", dependency: "", prelude: "", function: bare },
    Annotated { name: "hand-written-drop", dependency: "", prelude: CLOSING, function: by_hand },
    Annotated { name: "no-exit", dependency: BACKSTOP, prelude: "", function: no_exit },
    Annotated { name: "must-cleanup-empty", dependency: BACKSTOP, prelude: "", function: empty },
    Annotated { name: "must-cleanup", dependency: BACKSTOP, prelude: CLOSE, function: guarded },
    Annotated { name: "scopeguard", dependency: SCOPEGUARD, prelude: CLOSE, function: scopeguard },
    Annotated { name: "instrument", dependency: TRACING, prelude: "", function: instrument },
    Annotated { name: "no-panic", dependency: NO_PANIC, prelude: "", function: no_panic },
    Annotated { name: "async-trait", dependency: ASYNC_TRAIT, prelude: "", function: async_trait },
];

/// What a clean build is timed on, with its line in `[dependencies]`. The second is the control.
pub const DEPENDENCIES: [(&str, &str); 4] = [
    ("backstop", BACKSTOP),
    ("control (backstop)", BACKSTOP),
    ("async-trait", ASYNC_TRAIT),
    ("tracing-attributes", "tracing-attributes = \"0.1\""),
];

const BACKSTOP: &str =
    concat!("backstop = { path = '", env!("CARGO_MANIFEST_DIR"), "/../runtime' }");
const SCOPEGUARD: &str = "scopeguard = { version = \"1.2\", default-features = false }";
const TRACING: &str = "tracing = \"0.1\"";
const NO_PANIC: &str = "no-panic = \"0.1\"";
const ASYNC_TRAIT: &str = "async-trait = \"0.1\"";

const CLOSE: &str = "pub fn close(_: u64) {}\n";
const CLOSING: &str = "pub fn close(_: u64) {}
pub struct Closing(u64);
impl Drop for Closing {
    fn drop(&mut self) {
        close(self.0);
    }
}
";

fn written(text: &mut String, attribute: &str, guard: &str, number: usize) -> std::fmt::Result {
    write!(
        text,
        "{attribute}pub fn f{number}(a: u64, b: u64) -> Option<u64> {{
{guard}    let first = a.checked_mul({number})?;
    first.checked_add(b)
}}
"
    )
}

fn bare(text: &mut String, number: usize) -> std::fmt::Result {
    written(text, "", "", number)
}

fn by_hand(text: &mut String, number: usize) -> std::fmt::Result {
    written(text, "", "    let _session = Closing(a);\n", number)
}

fn no_exit(text: &mut String, number: usize) -> std::fmt::Result {
    written(text, "#[backstop::no_exit]\n", "", number)
}

fn empty(text: &mut String, number: usize) -> std::fmt::Result {
    written(text, "#[backstop::must_cleanup]\n", "", number)
}

fn guarded(text: &mut String, number: usize) -> std::fmt::Result {
    let guard = "    #[cleanup(close(session))]\n    let session = a;\n";
    written(text, "#[backstop::must_cleanup]\n", guard, number)
}

fn scopeguard(text: &mut String, number: usize) -> std::fmt::Result {
    let guard = "    let _session = scopeguard::guard(a, |session| close(session));\n";
    written(text, "", guard, number)
}

fn instrument(text: &mut String, number: usize) -> std::fmt::Result {
    written(text, "#[tracing::instrument(skip_all)]\n", "", number)
}

fn no_panic(text: &mut String, number: usize) -> std::fmt::Result {
    written(text, "#[no_panic::no_panic]\n", "", number)
}

fn async_trait(text: &mut String, number: usize) -> std::fmt::Result {
    write!(
        text,
        "#[async_trait::async_trait]
pub trait T{number} {{
    async fn f(&self, a: u64, b: u64) -> Option<u64> {{
        let first = a.checked_mul({number})?;
        first.checked_add(b)
    }}
}}
"
    )
}

/// Writes the workspace of [`ANNOTATED`] to `root`.
///
/// # Errors
///
/// If a file cannot be written.
pub fn annotated(root: &Path) -> io::Result<()> {
    for annotated in ANNOTATED {
        let mut text = annotated.prelude.to_owned();
        for number in 0..FUNCTIONS {
            (annotated.function)(&mut text, number).map_err(io::Error::other)?;
        }
        let name = annotated.package();
        package(&root.join(&name), &name, annotated.dependency, &text)?;
    }
    let members = ANNOTATED.map(|annotated| format!("{:?}", annotated.package())).join(", ");
    write(
        &root.join("Cargo.toml"),
        &format!("[workspace]\nresolver = \"3\"\nmembers = [{members}]\n"),
    )
}

/// Writes a crate that depends on one thing and does nothing with it.
///
/// # Errors
///
/// If a file cannot be written.
pub fn depending(root: &Path, dependency: &str) -> io::Result<()> {
    package(root, "depending", dependency, "")?;
    let manifest = root.join("Cargo.toml");
    let text = fs::read_to_string(&manifest)? + "[workspace]\n";
    write(&manifest, &text)
}

fn package(root: &Path, name: &str, dependency: &str, text: &str) -> io::Result<()> {
    fs::create_dir_all(root.join("src"))?;
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependency}\n"
    );
    write(&root.join("Cargo.toml"), &manifest)?;
    write(&root.join("src/lib.rs"), text)
}

/// Leaves a file that is the same already, so that nothing is built again for it.
fn write(path: &Path, text: &str) -> io::Result<()> {
    match fs::read_to_string(path) {
        Ok(before) if before == text => Ok(()),
        _ => fs::write(path, text),
    }
}
