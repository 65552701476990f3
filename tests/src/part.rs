//! A test that runs its executable again, to see from outside what that process does.

use std::env;
use std::process::{Command, Output};

const PART: &str = "BACKSTOP_TEST_PART";

/// Runs the test of this name again, as the part of that name.
///
/// # Panics
///
/// If it cannot be started.
#[must_use]
pub fn play(part: &str) -> Output {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([part, "--exact", "--nocapture", "--test-threads=1"]).env(PART, part);
    command.output().unwrap()
}

/// What the process printed on stderr, after making sure that it succeeded: an abort would be a
/// signal, a failed assertion in it a failed test.
///
/// # Panics
///
/// If it did not succeed.
#[must_use]
#[track_caller]
pub fn stderr_of(part: &str) -> String {
    let output = play(part);
    let stderr = String::from_utf8(output.stderr).unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{:?}\n{stdout}\n{stderr}", output.status);
    assert!(stdout.contains("1 passed"), "{stdout}");
    stderr
}

/// Whether this process plays that part.
#[must_use]
pub fn is_part(part: &str) -> bool {
    env::var(PART).is_ok_and(|playing| playing == part)
}

/// The lines of stderr that are events.
#[must_use]
pub fn lines(stderr: &str) -> Vec<&str> {
    stderr.lines().filter(|line| line.starts_with("backstop: ")).collect()
}
