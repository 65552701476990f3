//! Exit cleanups of processes that are not the program itself: its forked child, and its reaper's.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::Command;

use backstop_tests_ladder::exit::start;
use rustix::process::{Pid, Signal, kill_process};

#[test]
fn a_signal_runs_what_a_forked_child_of_backstop_main_has_registered_itself() {
    let mut program = start(&mut Command::new(env!("CARGO_BIN_EXE_shutdown_forks")));
    let mut lines = [program.line(), program.line()];
    // The child's, and its number.
    lines.sort();
    assert_eq!(lines[1], "ready");
    let child = Pid::from_raw(lines[0].parse().unwrap()).unwrap();
    kill_process(child, Signal::TERM).unwrap();
    let ended = program.end();
    assert_eq!(ended.how(), "code 0", "{}", ended.stderr);
    assert_eq!(ended.lines, ["child's own", "child ended by 15"], "{}", ended.stderr);
}

#[test]
fn what_constructors_make_in_the_processes_of_the_reaper_is_removed() {
    let (home, made) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = env!("CARGO_BIN_EXE_reaper_constructor");
    let ended = start(
        Command::new(program).env("XDG_STATE_HOME", home.path()).env("CONSTRUCTED", made.path()),
    )
    .end();
    assert_eq!(ended.how(), "code 0", "{}", ended.stderr);
    assert_eq!(ended.lines, ["true"], "{}", ended.stderr);
    assert_eq!(fs::read_dir(made.path()).unwrap().count(), 0, "{}", ended.stderr);
}
