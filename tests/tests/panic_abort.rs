//! Where panics abort, each cleanup that a panic would have to run is warned about, at its place.
//!
//! A test harness is never built with `panic = "abort"`, so this checks a package of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Lines that end with `// warns` are to be warned about, and no others.
const SOURCE: &str = r#"//! A crate whose panics abort.
use std::cell::Cell;

use backstop::{defer, must_cleanup};

/// Each cleanup that a panic would run.
#[must_cleanup]
pub fn warned(count: &Cell<u32>) -> Option<()> {
    #[cleanup(count.set(1))] // warns
    let _always = 0;
    #[cleanup(count.set(2), on = failure)] // warns
    let _failure = 0;
    #[cleanup(count.set(3), on = [success, unwind], survives = unwind)] // warns
    count.set(9);
    defer! { count.set(4) } // warns
    defer!(on = unwind, count.set(5)); // warns
    Some(())
}

/// Without the attribute.
pub fn bare(count: &Cell<u32>) {
    defer! { count.set(1) } // warns
    #[allow(deprecated)]
    let allowed = || {
        defer! { count.set(2) }
    };
    allowed();
}

/// None of these would run on a panic anyway.
#[must_cleanup]
pub fn other_outcomes(count: &Cell<u32>) -> Option<()> {
    #[cleanup(count.set(1), on = error)]
    let _error = 0;
    #[cleanup(count.set(2), on = success)]
    let _success = 0;
    #[cleanup(count.set(3), on = cancel)]
    let _cancel = 0;
    defer!(on = [success, error], count.set(4));
    Some(())
}

/// Allowed for the whole function.
#[must_cleanup(allow(panic_abort, reason = "the counter is memory"))]
pub fn allowed(count: &Cell<u32>) {
    #[cleanup(count.set(1))]
    let _always = 0;
    defer! { count.set(2) }
}

/// Allowed for one statement.
#[must_cleanup]
pub fn allowed_once(count: &Cell<u32>) {
    #[allow_skip(panic_abort, reason = "the counter is memory")]
    #[cleanup(count.set(1))]
    let _allowed = 0;
    #[cleanup(count.set(2))] // warns
    let _warned = 0;
}

/// A lint like any other.
#[must_cleanup]
#[allow(deprecated)]
pub fn by_lint_level(count: &Cell<u32>) {
    #[cleanup(count.set(1))]
    let _always = 0;
}

/// Nothing to warn of.
#[must_cleanup]
pub fn without_cleanups(count: &Cell<u32>) {
    count.set(1);
}
"#;

fn package() -> PathBuf {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("panic-abort");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::create_dir_all(package.join("src")).unwrap();
    let manifest = format!(
        r#"[package]
name = "panic-abort"
edition = "2024"

[dependencies]
backstop = {{ path = "{}" }}

[features]
quiet = ["backstop/allow-panic-abort"]

[profile.dev]
panic = "abort"

[workspace]
"#,
        root.join("runtime").display()
    );
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    fs::write(package.join("src/lib.rs"), SOURCE).unwrap();
    // The same versions as here, which are there without a network.
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    package
}

/// The lines that `cargo check` warns about, and all that it said.
fn check(package: &Path, arguments: &[&str]) -> (BTreeSet<usize>, String) {
    // What cargo sets for this test's own package is not meant for that one.
    let output = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args(["check", "--offline", "--message-format=short"])
        .args(arguments)
        .current_dir(package)
        .env("CARGO_TARGET_DIR", package.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let warnings = said.lines().filter_map(|line| line.strip_prefix("src/lib.rs:"));
    let lines = warnings.map(|rest| rest.split(':').next().unwrap().parse().unwrap()).collect();
    (lines, said)
}

/// One test: the checks share a target directory.
#[test]
fn a_cleanup_that_an_abort_would_skip_is_warned_about_where_it_stands() {
    let package = package();
    let marked: BTreeSet<usize> = (1..)
        .zip(SOURCE.lines())
        .filter_map(|(number, line)| line.ends_with("// warns").then_some(number))
        .collect();

    let (warned, said) = check(&package, &[]);
    assert_eq!(warned, marked, "{said}");
    assert!(said.contains("this profile has `panic = \"abort\"`"), "{said}");
    for way_out in ["panic = \"unwind\"", "allow(panic_abort, reason", "allow-panic-abort"] {
        assert!(said.contains(way_out), "{said}");
    }

    let (warned, said) = check(&package, &["--features=quiet"]);
    assert!(warned.is_empty(), "the feature silences it for the whole program: {said}");

    // Without `panic = "abort"` there is nothing to warn of, not even an allow too many.
    let (warned, said) = check(&package, &["--config=profile.dev.panic='unwind'"]);
    assert!(warned.is_empty(), "{said}");
}
