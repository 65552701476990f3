//! Programs that are built otherwise than these tests: where panics abort, and without the feature.

mod shutdown_support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use rustix::process::Signal;

use shutdown_support::start;

const ABORTING: &str = r#"
use backstop::cancel_token;

#[backstop::main(grace = "200ms")]
fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("exit") => backstop::exit(3),
        Some("thread") => {
            std::thread::spawn(|| backstop::exit(3));
            println!("{:?}", cancel_token().wait());
        }
        _ => {
            println!("ready");
            println!("{:?}", cancel_token().wait());
        }
    }
}
"#;

/// A package that is built with this profile and these features of `backstop`.
fn package(name: &str, profile: &str, features: &str, source: &str) -> PathBuf {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::create_dir_all(package.join("src")).unwrap();
    let manifest = format!(
        r#"[package]
name = "{name}"
edition = "2024"

[dependencies]
backstop = {{ path = "{}", features = [{features}] }}

[profile.dev]
{profile}

[workspace]
"#,
        root.join("runtime").display()
    );
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    fs::write(package.join("src/main.rs"), source).unwrap();
    // The same versions as here, which are there without a network.
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    package
}

fn cargo(package: &Path, command: &str) -> Output {
    // What cargo sets for this test's own package is not meant for that one.
    Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args([command, "--offline", "--quiet"])
        .current_dir(package)
        .env("CARGO_TARGET_DIR", package.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap()
}

#[test]
fn exit_where_panics_abort_has_its_code_and_aborts_nothing() {
    let package = package("shutdown-abort", "panic = \"abort\"", "\"process\"", ABORTING);
    let built = cargo(&package, "build");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let program = package.join("target/debug/shutdown-abort");
    let program = program.to_str().unwrap();

    // Nothing can be unwound: it blocks until the grace period is over.
    start(program, "exit").wait().with_code(3).said(&[]).warned("`main` did not end");
    start(program, "thread").wait().with_code(3).said(&["Shutdown { immediate: false }"]);

    let graceful = start(program, "signal");
    graceful.expect("ready");
    graceful.signal(Signal::TERM);
    graceful.wait().with_code(0).said(&["Shutdown { immediate: false }"]).silently();
}

#[test]
fn attribute_without_the_feature_says_which_one_it_needs() {
    let source =
        "#[backstop::main(grace = \"1s\")]\nfn main() -> Result<(), String> {\n    Ok(())\n}\n";
    let package = package("shutdown-featureless", "", "", source);
    let built = cargo(&package, "check");
    assert!(!built.status.success());
    let said = String::from_utf8(built.stderr).unwrap();
    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error")).collect();
    let expected = "error: `#[backstop::main]` needs the feature `process` of `backstop`";
    assert_eq!(errors[0], expected, "{said}");
    assert!(errors[1].starts_with("error: could not compile"), "{said}");
    assert_eq!(errors.len(), 2, "{said}");
    assert!(!said.contains("warning"), "{said}");
    assert!(
        said.contains("help: add it in `Cargo.toml`: `backstop = {")
            && said.contains("\"process\"")
    );
    assert!(said.contains("--> src/main.rs:2:4"), "at the name `main`: {said}");
}
