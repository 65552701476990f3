//! Cleanups that hang, panic, abort, exit or register: the others run, in time, with a true status.

use std::process::Command;

use backstop_tests_ladder::exit::{Ended, run, start};
use rustix::process::Signal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_exit_faults");

/// That it ends in time is what [`run`] sees to.
#[track_caller]
fn faulty(fault: &str, way: &str, lines: &[&str], how: &str) -> Ended {
    let ended = run(PROGRAM, &[fault, way]);
    assert_eq!(ended.lines, lines, "{}", ended.stderr);
    assert_eq!(ended.how(), how, "{}", ended.stderr);
    ended
}

/// The lines of the last report.
fn reported(ended: &Ended) -> Vec<&str> {
    ended.stderr.lines().filter_map(|line| line.strip_prefix("backstop: exit: ")).collect()
}

#[track_caller]
fn reports_one(ended: &Ended, limit: &str) {
    let [line] = reported(ended)[..] else { panic!("{}", ended.stderr) };
    assert!(line.starts_with("cleanup `faulty` at "), "{line}");
    assert!(line.contains("exit_faults.rs:"), "{line}");
    assert!(line.ends_with(&format!(" did not end within {limit}")), "{line}");
}

#[test]
fn a_hanging_cleanup_is_left_behind_and_reported_on_exit() {
    reports_one(&faulty("hangs", "exit", &["last", "first"], "code 7"), "4s");
}

#[test]
fn a_hanging_cleanup_is_left_behind_and_reported_on_abort() {
    reports_one(&faulty("hangs", "abort", &["last", "first"], "signal 6"), "4s");
}

#[test]
fn a_spinning_cleanup_is_left_behind() {
    reports_one(&faulty("spins", "exit", &["last", "first"], "code 7"), "4s");
}

#[test]
fn a_deadlocked_cleanup_is_left_behind() {
    reports_one(&faulty("deadlocks", "exit", &["last", "first"], "code 7"), "4s");
}

#[test]
fn several_hanging_cleanups_do_not_eat_the_time_of_the_others() {
    let ended = faulty("several-hang", "exit", &["last", "first"], "code 7");
    assert_eq!(reported(&ended).len(), 4, "{}", ended.stderr);
}

/// Each of them with a limit of its own would be 160 s, which is more than [`run`] waits.
#[test]
fn the_report_of_many_is_cut() {
    let ended = run(PROGRAM, &["many-hang", "exit"]);
    assert_eq!(ended.lines[0], "last");
    assert_eq!(ended.how(), "code 7");
    assert_eq!(reported(&ended).len(), 21, "{}", ended.stderr);
}

#[test]
fn a_slow_cleanup_within_the_limit_ends() {
    let ended = run(PROGRAM, &["is-slow", "exit"]);
    let mut lines = ended.lines.clone();
    lines.sort();
    assert_eq!(lines, ["first", "last", "slow"]);
    assert!(reported(&ended).is_empty(), "{}", ended.stderr);
}

#[test]
fn a_panic_is_an_event_of_outcome_cancel() {
    for fault in ["panics", "panics-with-a-panic"] {
        let ended = faulty(fault, "exit", &["last", "first"], "code 7");
        let line = ended.stderr.lines().find(|line| line.starts_with("backstop: cleanup"));
        let line = line.unwrap_or_else(|| panic!("{}", ended.stderr));
        assert!(line.starts_with("backstop: cleanup `faulty` panicked on cancel at "), "{line}");
    }
}

#[test]
fn a_failure_is_an_event_of_outcome_cancel() {
    let ended = faulty("fails", "exit", &["last", "first"], "code 7");
    let line = ended.stderr.trim();
    assert!(line.starts_with("backstop: cleanup `failing` failed on cancel at "), "{line}");
    assert!(line.ends_with(": \"disk full\""), "{line}");
}

#[test]
fn a_panic_during_an_abort_is_contained_too() {
    faulty("panics", "abort", &["last", "first"], "signal 6");
}

#[test]
fn an_abort_in_a_cleanup_runs_the_others_and_ends_as_one() {
    for way in ["exit", "abort"] {
        reports_one(&faulty("aborts", way, &["last", "first"], "signal 6"), "4s");
    }
}

#[test]
fn a_stack_overflow_in_a_cleanup_runs_the_others_and_ends_as_one() {
    faulty("overflows", "exit", &["last", "first"], "signal 6");
}

/// std parks the thread of a second `exit`.
#[test]
fn an_exit_in_a_cleanup_of_an_exit_is_one_that_hangs() {
    reports_one(&faulty("exits", "exit", &["last", "first"], "code 7"), "4s");
}

#[test]
fn an_exit_in_a_cleanup_of_an_abort_does_not_hold_up_the_others() {
    let ended = run(PROGRAM, &["exits", "abort"]);
    assert_eq!(ended.lines, ["last", "first"], "{}", ended.stderr);
    assert_eq!(ended.how(), "signal 6", "{}", ended.stderr);
}

#[test]
fn an_exit_in_a_cleanup_of_a_signal_leaves_the_signals_status() {
    let mut program = start(Command::new(PROGRAM).args(["exits", "await"]));
    assert_eq!(program.line(), "ready");
    program.signal(Signal::TERM);
    let ended = program.end();
    assert_eq!(ended.lines, ["last", "first"], "{}", ended.stderr);
    assert_eq!(ended.how(), "signal 15");
}

#[test]
fn what_a_cleanup_registers_is_left_to_its_guard() {
    faulty("registers", "exit", &["last", "outer", "inner", "first"], "code 7");
}

#[test]
fn what_a_thread_of_a_cleanup_registers_runs_at_once() {
    for fault in ["registers-in-thread", "announces-in-thread"] {
        faulty(fault, "exit", &["last", "inner", "outer", "first"], "code 7");
    }
}

#[test]
fn a_cleanup_may_withdraw_and_run_others() {
    // The other one was registered before, and so is still armed.
    faulty("withdraws-another", "exit", &["last", "first"], "code 7");
    faulty("runs-another", "exit", &["last", "run by another", "first"], "code 7");
}

#[test]
fn a_cleanup_that_another_thread_is_running_is_waited_for() {
    for (way, how) in [("exit", "code 7"), ("abort", "signal 6")] {
        let mut program = start(Command::new(PROGRAM).args(["is-running-elsewhere", way]));
        assert_eq!(program.line(), "running");
        // The hook has run all others and still waits.
        assert_eq!([program.line(), program.line()], ["last", "first"]);
        program.let_go();
        let ended = program.end();
        assert_eq!(ended.lines, ["ran elsewhere"], "{}", ended.stderr);
        assert_eq!(ended.how(), how);
        assert!(reported(&ended).is_empty(), "{}", ended.stderr);
    }
}

/// An hour would be too long for [`run`].
#[test]
fn an_exit_inside_a_guards_own_cleanup_does_not_wait_for_itself() {
    for (fault, how) in [("exits-while-running", "code 5"), ("aborts-while-running", "signal 6")] {
        reports_one(&faulty(fault, "exit", &["first"], how), "3600s");
    }
}

#[test]
fn an_exit_by_the_thread_that_announced_does_not_wait_for_itself() {
    let ended = faulty("exits-while-announcing", "exit", &["first"], "code 5");
    assert!(reported(&ended).is_empty(), "{}", ended.stderr);
}

/// As above.
#[test]
fn an_announcement_that_never_ends_is_waited_for_a_moment_only() {
    faulty("announces-for-ever", "exit", &["last", "first"], "code 7");
}

#[cfg(target_os = "linux")]
#[test]
fn an_announcement_of_a_thread_that_is_not_blocked_is_waited_for_longer() {
    let ended = run(PROGRAM, &["announces-and-works", "exit"]);
    assert_eq!(ended.how(), "code 7", "{}", ended.stderr);
    assert!(ended.lines.iter().any(|line| line == "made at last"), "{:?}", ended.lines);
}

#[test]
fn all_calls_get_the_report_of_the_one_end_and_leave_nothing_for_the_exit() {
    let ended = faulty("none", "run-all", &["last", "first", "ran 2"], "code 0");
    assert!(ended.stderr.is_empty(), "{}", ended.stderr);
    let ended = run(PROGRAM, &["hangs", "run-all"]);
    let [last, first, ran, left] = &ended.lines[..] else { panic!("{:?}", ended.lines) };
    assert_eq!([last, first, ran], ["last", "first", "ran 2"]);
    assert!(left.starts_with("cleanup `faulty` at "), "{left}");
    assert!(reported(&ended).is_empty(), "whoever asked reports: {}", ended.stderr);
}

#[test]
fn a_registration_after_the_end_runs_at_once_and_does_not_hold_the_exiting_thread() {
    let lines = ["first", "ran 1", "last", "late", "at exit"];
    faulty("is-registered-at-exit", "exit", &lines, "code 7");
}
