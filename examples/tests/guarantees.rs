//! `docs/guarantees.md` says what processes do that really end so.
#![cfg(target_os = "linux")]

mod support;

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use support::example;

const COMMAND: &str = "BLESS=1 cargo test -p backstop-examples --test guarantees";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn survive(arguments: &[&str]) -> Output {
    example("survive").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_owned()).unwrap()
}

/// Past the test harness, which shows what a test prints only if it fails.
fn tell(message: &str) {
    let _ = std::io::stderr().write_all(message.as_bytes());
}

/// The example with the profile `abort`, which differs from `dev` in that alone.
fn built_to_abort() -> PathBuf {
    let cargo = escargot::CargoBuild::new().package("backstop-examples").example("survive");
    let built = cargo.args(["--profile", "abort"]).current_target().run();
    built.unwrap_or_else(|error| panic!("{error}")).path().to_owned()
}

#[test]
fn the_committed_matrix_is_what_the_processes_did() {
    let abort = built_to_abort();
    let output = survive(&["--markdown", "--abort-program", abort.to_str().unwrap()]);
    let (made, said) = (text(&output.stdout), text(&output.stderr));
    for line in said.lines().filter(|line| line.starts_with("not run here")) {
        tell(&format!("guarantees: {line}; its committed cell is kept\n"));
    }
    let path = root().join("docs/guarantees.md");
    if env::var_os("BLESS").is_some() {
        fs::write(&path, made).unwrap();
        return;
    }
    let before = fs::read_to_string(&path).unwrap_or_default();
    let differing: Vec<_> =
        made.lines().zip(before.lines()).filter(|(now, before)| now != before).collect();
    assert!(
        made == before,
        "docs/guarantees.md is not what the processes did: {differing:#?}\n{said}`{COMMAND}` \
         updates it"
    );
    assert!(output.status.success(), "{said}");
}
