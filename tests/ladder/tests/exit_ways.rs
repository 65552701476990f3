//! Every way to end a process by its own doing runs its cleanups, and does not change its status.

use backstop_tests_ladder::exit::{Ended, run, start};
use rustix::process::Signal;
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_exit_ways");
const ABORTED: &str = "signal 6";

/// Runs the program, and expects the three cleanups of two threads, the last registered first.
#[track_caller]
fn cleans_up(way: &str, how: &str) -> Ended {
    let ended = run(PROGRAM, &[way]);
    assert_eq!(ended.lines, ["third", "second", "first"], "{}", ended.stderr);
    assert_eq!(ended.how(), how, "{}", ended.stderr);
    assert!(!ended.stderr.contains("backstop: exit"), "everything ended: {}", ended.stderr);
    ended
}

#[test]
fn process_exit() {
    cleans_up("exit", "code 7");
}

#[test]
fn process_exit_in_another_thread() {
    cleans_up("exit-in-thread", "code 8");
}

#[test]
fn process_exit_in_two_threads_at_once() {
    cleans_up("exit-twice", "code 9");
}

#[test]
fn exit_of_the_c_library_and_its_later_handlers_first() {
    let ended = run(PROGRAM, &["libc-exit"]);
    assert_eq!(ended.lines, ["at exit", "third", "second", "first"]);
    assert_eq!(ended.how(), "code 10");
}

#[test]
fn main_returns_while_a_thread_holds_an_entry() {
    let ended = run(PROGRAM, &["return"]);
    // `main` withdraws its own by dropping them.
    assert_eq!(ended.lines, ["second"]);
    assert_eq!(ended.how(), "code 0");
}

#[test]
fn a_forgotten_entry_stays_registered() {
    let ended = run(PROGRAM, &["return-forgotten"]);
    assert_eq!(ended.lines, ["forgotten", "second"]);
}

#[test]
fn abort() {
    cleans_up("abort", ABORTED);
}

#[test]
fn abort_in_another_thread() {
    cleans_up("abort-in-thread", ABORTED);
}

#[test]
fn abort_in_two_threads_at_once() {
    cleans_up("abort-twice", ABORTED);
}

#[test]
fn a_raised_sigabrt() {
    cleans_up("raise", ABORTED);
}

#[test]
fn a_sigabrt_from_outside() {
    let mut program = start(Command::new(PROGRAM).arg("killed-by-abrt"));
    assert_eq!(program.line(), "ready");
    program.signal(Signal::ABORT);
    let ended = program.end();
    assert_eq!(ended.lines, ["third", "second", "first"]);
    assert_eq!(ended.how(), ABORTED);
}

#[test]
fn a_panic_while_panicking() {
    let ended = cleans_up("panic-in-panic", ABORTED);
    assert!(ended.stderr.contains("second"), "{}", ended.stderr);
}

#[test]
fn a_panic_across_extern_c() {
    let ended = cleans_up("panic-across-c", ABORTED);
    assert!(ended.stderr.contains("panic in a function that cannot unwind"), "{}", ended.stderr);
}

#[test]
fn a_stack_overflow() {
    let ended = cleans_up("stack-overflow", ABORTED);
    assert!(ended.stderr.contains("has overflowed its stack"), "{}", ended.stderr);
}

#[test]
fn a_stack_overflow_in_another_thread() {
    let ended = cleans_up("stack-overflow-in-thread", ABORTED);
    assert!(ended.stderr.contains("has overflowed its stack"), "{}", ended.stderr);
}

/// What this rung does not promise.
#[test]
fn an_immediate_exit_runs_nothing() {
    let ended = run(PROGRAM, &["_exit"]);
    assert!(ended.lines.is_empty());
    assert_eq!(ended.how(), "code 11");
}

#[test]
fn kill_runs_nothing() {
    let mut program = start(Command::new(PROGRAM).arg("await-test"));
    assert_eq!(program.line(), "ready");
    program.signal(Signal::KILL);
    let ended = program.end();
    assert!(ended.lines.is_empty());
    assert_eq!(ended.how(), "signal 9");
}
