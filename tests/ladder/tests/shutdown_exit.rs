//! `backstop::exit`, and the statuses of programs that end by themselves.

mod shutdown_support;

use std::fs;
use std::process::Command;

use rustix::process::Signal;

use shutdown_support::{BARE, HASTY, PATIENT, run, start, start_command};

const GRACEFUL: &str = "Shutdown { immediate: false }";
const RESULT: &str = env!("CARGO_BIN_EXE_shutdown_result");
const NEVER: &str = env!("CARGO_BIN_EXE_shutdown_never");
const UNIT: &str = env!("CARGO_BIN_EXE_shutdown_unit");

#[test]
fn exit_runs_every_destructor_and_prints_nothing() {
    run(PATIENT, "exit").with_code(3).said(&["inner destructor", "main's destructor"]).silently();
}

#[test]
fn exit_code_of_zero_is_a_success() {
    run(PATIENT, "exit_0").with_code(0).said(&["main's destructor"]).silently();
}

#[test]
fn exit_code_too_large_never_reads_as_a_success() {
    run(PATIENT, "exit_256").with_code(255).said(&["main's destructor"]).silently();
}

#[test]
fn exit_does_not_run_the_panic_hook() {
    run(PATIENT, "exit_with_a_hook").with_code(3).said(&["main's destructor"]).silently();
}

#[test]
fn exit_from_a_thread_tells_main_and_wins_over_its_result() {
    let ended = run(PATIENT, "exit_from_a_thread");
    ended.with_code(3).silently();
    let mut said = ended.stdout.clone();
    said.sort();
    assert_eq!(said, [GRACEFUL, "main's destructor", "thread's destructor"]);
}

#[test]
fn exit_from_a_thread_ends_a_stuck_main_after_the_grace_period() {
    let ended = run(HASTY, "exit_from_a_thread_while_main_is_stuck");
    ended.with_code(3).said(&[]);
    ended.warned("(`backstop::exit`)\n").warned("`main` did not end");
}

#[test]
fn exit_from_a_scope_ends_its_siblings_and_its_owner() {
    let ended = run(PATIENT, "exit_from_a_scope");
    ended.with_code(3).silently();
    assert_eq!(ended.stdout.last().unwrap(), "main's destructor");
    let mut said = ended.stdout;
    said.sort();
    assert_eq!(said, ["child's destructor", "main's destructor", "sibling's destructor"]);
}

#[test]
fn exit_from_two_children_is_no_lost_panic() {
    run(PATIENT, "exit_from_two_children").with_code(3).said(&["main's destructor"]).silently();
}

#[test]
fn exit_inside_catch_unwind_still_decides_the_status() {
    let ended = run(PATIENT, "exit_inside_catch_unwind");
    ended.with_code(3).said(&["caught", "main's destructor"]).silently();
}

#[test]
fn exit_while_panicking_ends_after_the_grace_period_without_an_abort() {
    let ended = run(HASTY, "exit_while_panicking");
    ended.with_code(3).said(&["about to exit"]).warned("`main` did not end");
}

#[test]
fn exit_in_a_destructor_unwinds() {
    let ended = run(PATIENT, "exit_in_a_destructor");
    ended.with_code(3).said(&["about to exit", "main's destructor"]).silently();
}

#[test]
fn exit_in_a_cleanup_runs_the_other_cleanups_and_is_no_failed_cleanup() {
    let ended = run(PATIENT, "exit_in_a_cleanup");
    ended.with_code(3).said(&["outer cleanup", "main's destructor"]).silently();
}

#[test]
fn first_exit_wins() {
    run(PATIENT, "exit_twice").with_code(3).said(&["main's destructor"]).silently();
}

#[test]
fn panic_after_an_exit_keeps_the_code() {
    run(PATIENT, "exit_then_panic").with_code(3).warned("after the exit");
}

#[test]
fn panic_after_an_exit_of_zero_is_no_success() {
    run(PATIENT, "exit_0_then_panic").with_code(101).warned("after the exit");
}

#[test]
fn exit_after_a_signal_decides_the_status() {
    let program = start(PATIENT, "exit_after_a_signal");
    program.expect("ready");
    program.signal(Signal::TERM);
    program.wait().with_code(3).silently();
}

#[test]
fn signal_after_an_exit_ends_by_that_signal() {
    let program = start(PATIENT, "exit_then_stuck");
    program.expect("ready");
    // One that comes before anybody has looked at the exit counts as one with it.
    let ended = program.signal_until_it_ends(Signal::INT);
    ended.by(Signal::INT).warned("(SIGINT)\n");
}

#[test]
fn exit_after_main_has_returned_does_not_abort() {
    let ended = run(HASTY, "exit_after_main");
    ended.with_code(3).said(&["main's destructor", "after main"]);
    assert!(!ended.stderr.contains("`main` did not end"), "it did: {ended:?}");
}

#[test]
fn exit_in_a_forked_child_ends_the_child_with_the_code() {
    for part in ["fork_exit", "fork_exit_while_panicking"] {
        let ended = run(PATIENT, part);
        ended.with_code(0);
        let said: Vec<&str> = ended.stdout.iter().map(String::as_str).collect();
        let child = if part == "fork_exit" { &["main's destructor"][..] } else { &[] };
        assert_eq!(said, [child, &["Some(5) None", "None", "main's destructor"]].concat());
    }
}

#[test]
fn exit_without_the_attribute_unwinds_and_has_its_code() {
    let ended = run(BARE, "exit");
    ended.with_code(3).said(&["inner destructor", "main's destructor"]).silently();
    run(BARE, "exit_from_a_scope").with_code(3).silently();
    let ended = run(BARE, "exit_in_a_destructor");
    ended.with_code(3).said(&["about to exit", "main's destructor"]).silently();
    run(BARE, "exit_in_a_detached_thread").with_code(3).silently();
    run(BARE, "exit_dropped_where_joined").with_code(3).said(&["joined"]).silently();
    run(BARE, "exit_while_panicking").with_code(3).said(&["about to exit"]);
}

#[test]
fn error_of_main_is_printed_as_without_the_attribute() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("status");
    let run = || run(RESULT, path.to_str().unwrap());
    run().with_code(1).warned("Error: Os { code: 2,");
    fs::write(&path, "x").unwrap();
    let ended = run();
    ended.with_code(1);
    assert_eq!(ended.stderr, "Error: ParseIntError { kind: InvalidDigit }\n");
    fs::write(&path, "42").unwrap();
    run().with_code(42).silently();
}

#[test]
fn exit_wins_over_an_error_of_main_which_is_still_printed() {
    run(RESULT, "exit").with_code(0).warned("Error: Os { code: 2,");
}

#[test]
fn panic_in_main_is_printed_once_and_ends_with_101() {
    let bare = run(BARE, "panic");
    bare.with_code(101);
    let ended = run(PATIENT, "panic");
    ended.with_code(101);
    assert_eq!(ended.stderr.matches("in main").count(), 1, "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), bare.stderr.lines().count(), "{ended:?}");
}

#[test]
fn main_that_never_returns_can_exit() {
    let program = start_command(Command::new(NEVER));
    program.expect("ready");
    program.signal(Signal::TERM);
    program.wait().with_code(4).silently();
}

#[test]
fn main_that_is_called_is_a_function() {
    let ended = start_command(Command::new(UNIT)).wait();
    ended.with_code(0).said(&["inner", "outer: ExitCode(unix_exit_status(0))"]).silently();
}

/// Where signals cannot be handled there is no promise to keep.
#[test]
fn main_does_not_begin_where_signals_cannot_be_handled() {
    let mut command = Command::new("sh");
    // One more than stdio, which the dynamic linker needs, and one less than a pair of sockets.
    command.args(["-c", "ulimit -n 4; exec \"$0\" exit_0", PATIENT]);
    let ended = start_command(command).wait();
    ended.with_code(1).said(&[]).warned("backstop: `main` does not begin: cannot handle signals: ");
}
