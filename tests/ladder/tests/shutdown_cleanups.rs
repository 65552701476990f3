//! Exit cleanups under `#[backstop::main]`.

mod shutdown_support;

use rustix::process::{Pid, Signal, kill_process};

use shutdown_support::{HASTY, PATIENT, run, start};

const GRACEFUL: &str = "Shutdown { immediate: false }";

#[test]
fn main_that_returns_in_the_grace_period_is_followed_by_exit_cleanups() {
    let program = start(PATIENT, "cleanup_after_main");
    program.expect("ready");
    program.signal(Signal::TERM);
    program.wait().with_code(7).said(&[GRACEFUL, "cleaned"]).silently();
}

#[test]
fn exit_is_followed_by_exit_cleanups() {
    run(PATIENT, "cleanup_of_exit").with_code(3).said(&["cleaned"]).silently();
}

#[test]
fn forced_end_runs_exit_cleanups() {
    let program = start(HASTY, "cleanup_while_main_is_stuck");
    program.expect("ready");
    program.signal(Signal::TERM);
    let ended = program.wait();
    ended.by(Signal::TERM).said(&["cleaned"]);
    assert!(!ended.stderr.contains("cleanup"), "it ended: {ended:?}");
}

#[test]
fn exit_cleanup_that_hangs_is_named_once() {
    let program = start(HASTY, "cleanup_hangs");
    program.expect("ready");
    program.signal(Signal::TERM);
    let ended = program.wait();
    ended.by(Signal::TERM).said(&["cleaned"]).warned("backstop: cleanup `scratch` at ");
    assert_eq!(ended.stderr.matches("`scratch`").count(), 1, "{ended:?}");
}

#[test]
fn third_signal_does_not_wait_for_an_exit_cleanup_that_hangs() {
    let program = start(HASTY, "cleanup_hangs");
    program.expect("ready");
    program.signal(Signal::TERM);
    program.expect("cleaned");
    program.signal(Signal::HUP);
    program.wait().by(Signal::HUP).warned("not all exit cleanups ended\n");
}

#[test]
fn exit_in_an_exit_cleanup_changes_nothing_after_a_signal() {
    let program = start(HASTY, "cleanup_exits");
    program.expect("ready");
    program.signal(Signal::TERM);
    program.wait().by(Signal::TERM).said(&["cleaned"]);
}

#[test]
fn forked_child_that_a_signal_ends_cleans_nothing_of_its_parents() {
    let program = start(PATIENT, "cleanup_of_the_parent");
    let child = program.line();
    let child = child.strip_prefix("child ").unwrap().parse().unwrap();
    kill_process(Pid::from_raw(child).unwrap(), Signal::TERM).unwrap();
    let ended = program.wait();
    let child = format!("None Some({})", Signal::TERM.as_raw());
    ended.with_code(0).said(&[&child, "None", "main's destructor", "cleaned"]).silently();
}

/// What wrote the events of tracing may be gone with `main`.
#[test]
fn once_main_has_ended_a_failed_cleanup_is_a_line_beside_the_event_of_tracing() {
    let ended = run(PATIENT, "cleanup_fails_after_main");
    ended.with_code(7).warned("backstop: cleanup `name` failed on success at ");
    assert!(ended.stderr.ends_with(": late\n"), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}
