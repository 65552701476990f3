//! Threads that own what others wait for are not held at the end of the process.
#![cfg(target_os = "linux")]

use std::fs;

use backstop_tests_ladder::exit::{Ended, run};

const PROGRAM: &str = env!("CARGO_BIN_EXE_exit_gate");

/// Ends with nothing left, and gives how.
fn ends(what: &str) -> Ended {
    let directory = tempfile::tempdir().unwrap();
    let ended = run(PROGRAM, &[what, directory.path().to_str().unwrap()]);
    assert_eq!(ended.how(), "code 7", "{}", ended.stderr);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "{}", ended.stderr);
    ended
}

#[track_caller]
fn is_cleaned(what: &str) {
    let ended = ends(what);
    assert_eq!((&*ended.lines, &*ended.stderr), (&["cleaned".to_owned()][..], ""));
}

#[test]
fn a_cleanup_gets_the_lock_of_a_thread_that_goes_on_making_things() {
    is_cleaned("running");
}

#[test]
fn a_thread_that_is_held_with_a_lock_is_let_go_when_a_cleanup_needs_it() {
    is_cleaned("late");
}

#[test]
fn an_atexit_handler_may_wait_for_a_thread_that_was_held() {
    assert_eq!(ends("joined").lines, ["joined"]);
}
