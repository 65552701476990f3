//! Runs the built `cargo-backstop` on the workspaces under `tests/fixtures`.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Where fixtures are built: kept from run to run, apart from their sources.
pub(crate) fn target(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// `cargo backstop` as cargo runs it.
pub(crate) fn backstop(folder: &Path, target: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-backstop"));
    command.arg("backstop").current_dir(folder).env("CARGO_TARGET_DIR", target);
    // What the outer build was asked for is not for the inner one.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "CARGO_BUILD_TARGET"]
    {
        command.env_remove(variable);
    }
    command
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// `verify --format json` and its exit status.
pub(crate) fn verify(folder: &Path, target: &Path, arguments: &[&str]) -> (Value, i32) {
    let output = backstop(folder, target)
        .args(["verify", "--quiet", "--format", "json"])
        .args(arguments)
        .output()
        .expect("cargo-backstop runs");
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)));
    (report, output.status.code().expect("an exit status"))
}

/// The functions of the program of that name: their paths and verdicts.
pub(crate) fn verdicts(report: &Value, program: &str) -> Vec<(String, String)> {
    let programs = report["programs"].as_array().expect("programs");
    let found = programs
        .iter()
        .find(|found| found["name"].as_str().is_some_and(|name| name.starts_with(program)))
        .unwrap_or_else(|| panic!("no program {program}"));
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let functions = found["functions"].as_array().expect("functions");
    functions.iter().map(|one| (text(&one["function"]), text(&one["verdict"]))).collect()
}
