//! Many entries, few resources, and the order of it all.

use std::fs;
use std::process::Command;

use backstop_tests_ladder::exit::{Ended, run, start};
use rustix::process::Signal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_exit_limits");

#[track_caller]
fn ends(what: &str, lines: &[&str], how: &str) -> Ended {
    let ended = run(PROGRAM, &[what]);
    assert_eq!(ended.lines, lines, "{}", ended.stderr);
    assert_eq!(ended.how(), how, "{}", ended.stderr);
    ended
}

#[test]
fn ten_thousand_entries_of_four_threads_run_in_time() {
    let ended = ends("ten-thousand", &["10000"], "code 7");
    // What is not done within the program's limit would be reported.
    assert!(ended.stderr.is_empty(), "{}", ended.stderr);
}

#[test]
fn the_last_registered_of_all_threads_runs_first() {
    let lines = ["4 of main", "3 of thread", "2 of main", "1 of thread", "0 of main"];
    ends("in-order", &lines, "code 7");
}

#[test]
fn a_program_that_closes_all_descriptors_takes_nothing_away() {
    ends("closed-descriptors", &["cleaned"], "signal 6");
}

#[test]
fn a_program_without_free_descriptors_can_register() {
    ends("no-descriptors", &["cleaned"], "signal 6");
}

#[test]
fn a_report_that_nobody_can_read_changes_nothing() {
    ends("closed-stderr", &["cleaned"], "code 7");
}

#[test]
fn a_limit_may_be_anything() {
    ends("no-limit", &["cleaned"], "code 7");
    let ended = ends("no-time", &[], "code 7");
    assert!(ended.stderr.contains("was not begun within 0ns"), "{}", ended.stderr);
}

/// `atexit` handlers run after the destructors of the main thread's thread-local values.
#[test]
fn entries_in_thread_local_values_are_withdrawn_with_them() {
    let lines = ["local dropped", "made", "cleaned", "of the thread"];
    // In `exit`, the main thread's values are dropped where the platform does so.
    let ended = run(PROGRAM, &["thread-local"]);
    let dropped = ["local dropped", "made", "local dropped", "cleaned"];
    assert!(ended.lines == lines || ended.lines == dropped, "{:?}", ended.lines);
    assert_eq!(ended.how(), "code 7");
}

#[test]
fn an_entry_may_be_ended_on_another_thread() {
    ends("moved", &["kept"], "code 7");
}

#[test]
fn what_a_cleanup_owns_is_dropped_once() {
    ends("owned", &[], "code 0");
}

#[test]
fn what_threads_create_to_the_last_is_removed() {
    let ended = run(PROGRAM, &["held"]);
    assert_eq!(ended.how(), "code 7");
    let count = |what: &str| ended.lines.iter().filter(|line| *line == what).count();
    assert_eq!(count("created"), count("removed"));
}

/// Not only in the main thread: `/proc/self` is nothing without that.
#[cfg(target_os = "linux")]
#[test]
fn a_program_whose_main_thread_has_ended_makes_and_removes_things() {
    let directory = tempfile::tempdir().unwrap();
    let mut program = start(Command::new(PROGRAM).arg("main-thread").arg(directory.path()));
    assert_eq!(program.line(), "made");
    program.signal(Signal::TERM);
    let ended = program.end();
    assert_eq!((ended.how().as_str(), ended.stderr.as_str()), ("signal 15", ""));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_had_no_thread_for_the_first_registration_has_one_for_a_later() {
    let mut program = start(Command::new(PROGRAM).arg("no-threads"));
    assert_eq!(program.line(), "ready");
    program.signal(Signal::TERM);
    let ended = program.end();
    assert_eq!(ended.how(), "signal 15", "{}", ended.stderr);
    assert_eq!(ended.lines, ["third", "second", "first"], "{}", ended.stderr);
    let told = "cleanup `the exit hook` was abandoned";
    assert_eq!(ended.stderr.matches(told).count(), 1, "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

/// It was under a random name of ours while it was being emptied.
#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_cannot_be_removed_in_time_has_its_name_again_and_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let ended = start(Command::new(PROGRAM).arg("cut-short").arg(directory.path())).end();
    assert_eq!(ended.how(), "code 7", "{}", ended.stderr);
    let left: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [left] = &left[..] else { panic!("{left:?}: {}", ended.stderr) };
    assert!(ended.stderr.contains("no time to remove all"), "{}", ended.stderr);
    assert!(ended.stderr.contains(left.to_str().unwrap()), "{left:?}: {}", ended.stderr);
}
