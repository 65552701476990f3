//! With `panic = "abort"` a panic unwinds nothing, and still runs what survives an exit.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use backstop_tests_ladder::exit::run;

/// Builds the programs with a profile in which panics abort.
fn build() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("panic-abort");
    // What cargo sets for this test's own package is not meant for that build.
    let output = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args(["build", "--offline", "--quiet", "--bin=exit_ways", "--bin=exit_faults"])
        .arg("--config=profile.dev.panic='abort'")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target.join("debug")
}

/// One test: the programs share a target directory.
#[test]
fn a_panic_that_aborts_runs_the_cleanups_and_ends_as_an_abort() {
    let programs = build();
    let ways = programs.join("exit_ways");
    for way in ["panic", "panic-in-thread", "panic-in-panic", "abort"] {
        let ended = run(ways.to_str().unwrap(), &[way]);
        assert_eq!(ended.lines, ["third", "second", "first"], "{way}: {}", ended.stderr);
        assert_eq!(ended.how(), "signal 6", "{way}");
    }
    // A cleanup's own panic is an abort on the worker's thread.
    let faults = programs.join("exit_faults");
    for way in ["exit", "abort"] {
        let ended = run(faults.to_str().unwrap(), &["panics", way]);
        assert_eq!(ended.lines, ["last", "first"], "{way}: {}", ended.stderr);
        assert_eq!(ended.how(), "signal 6", "{way}");
        assert!(ended.stderr.contains("cleanup `faulty` at "), "{}", ended.stderr);
    }
}
