//! A process ends at any moment while its threads create, register and remove: nothing is left.

use std::fs;
use std::process::Command;

use backstop_tests_ladder::exit::{Ended, start};
use rustix::process::Signal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_exit_storm");

/// Runs it, and returns how many files are left.
fn storm(way: &str, round: u64) -> (Ended, usize) {
    let directory = tempfile::Builder::new().prefix("exit-storm").tempdir().unwrap();
    // Coprime to the rounds, so that the moments differ.
    let micros = (round * 7_919 % 5_003).to_string();
    let mut program =
        start(Command::new(PROGRAM).arg(directory.path()).args([way, micros.as_str()]));
    assert_eq!(program.line(), "ready");
    if way == "signal" {
        program.signal(match round % 4 {
            0 => Signal::TERM,
            1 => Signal::INT,
            2 => Signal::HUP,
            _ => Signal::ABORT,
        });
    }
    let ended = program.end();
    let left = fs::read_dir(directory.path()).unwrap().count();
    (ended, left)
}

/// How often to run each way. `BACKSTOP_STORM_ROUNDS=1000` for longer.
fn rounds() -> u64 {
    std::env::var("BACKSTOP_STORM_ROUNDS").map_or(25, |rounds| rounds.parse().unwrap())
}

#[track_caller]
fn leaves_nothing(way: &str, how: &[&str]) {
    for round in 0..rounds() {
        let (ended, left) = storm(way, round);
        assert_eq!(left, 0, "{way}, round {round}: {}", ended.stderr);
        assert!(how.contains(&ended.how().as_str()), "{}: {}", ended.how(), ended.stderr);
        assert!(ended.stderr.is_empty(), "{way}, round {round}: {}", ended.stderr);
    }
}

#[test]
fn main_returns() {
    leaves_nothing("return", &["code 0"]);
}

#[test]
fn exit() {
    leaves_nothing("exit", &["code 7"]);
}

#[test]
fn exit_in_a_thread() {
    leaves_nothing("thread", &["code 7"]);
}

#[test]
fn abort() {
    leaves_nothing("abort", &["signal 6"]);
}

#[test]
fn signals() {
    leaves_nothing("signal", &["signal 15", "signal 2", "signal 1", "signal 6"]);
}

/// The control: the storm is one that a locked map does not stand.
#[test]
fn a_locked_map_in_place_of_the_hook_leaves_files() {
    let left: usize = (0..rounds()).map(|round| storm("naive", round).1).sum();
    assert!(left > 0, "no file was left in {} rounds", rounds());
}
