//! The end of the process waits for `async` cleanups that were handed over.

use std::process::Command;

use backstop_tests_ladder::exit::{run, start};
use rustix::process::Signal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_exit_async");

#[track_caller]
fn waits(way: &str, how: &str) {
    let ended = run(PROGRAM, &[way]);
    assert_eq!(ended.lines, ["goodbye"], "{}", ended.stderr);
    assert_eq!((ended.how().as_str(), ended.stderr.as_str()), (how, ""));
}

#[test]
fn every_way_that_the_exit_hook_hears_of_waits_for_async_cleanups() {
    waits("return", "code 0");
    waits("exit", "code 7");
    waits("abort", "signal 6");
    let mut running = start(Command::new(PROGRAM).arg("terminated"));
    assert_eq!(running.line(), "ready");
    running.signal(Signal::TERM);
    let ended = running.end();
    assert_eq!(ended.lines, ["goodbye"], "{}", ended.stderr);
    assert_eq!(ended.how(), "signal 15");
}

#[test]
fn without_a_descriptor_left_a_cleanup_still_has_its_runtime() {
    waits("no-descriptors", "code 7");
}

#[test]
fn an_async_cleanup_that_hangs_is_named_and_left() {
    let ended = run(PROGRAM, &["hangs"]);
    assert_eq!(ended.how(), "code 7");
    let (says, place) = ("cleanup `session` at ", "did not end within 200ms\n");
    assert!(ended.stderr.contains(says) && ended.stderr.ends_with(place), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

#[test]
fn an_async_cleanup_has_its_own_deadline_at_the_end_too() {
    let ended = run(PROGRAM, &["timeout"]);
    assert_eq!(ended.how(), "code 7");
    assert!(ended.stderr.contains("not done after 150ms"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("did not end"), "{}", ended.stderr);
}

#[test]
fn an_async_cleanup_that_exits_is_not_waited_for() {
    assert_eq!(run(PROGRAM, &["exit-in-cleanup"]).how(), "code 7");
}

#[test]
fn the_end_waits_for_the_tasks_of_a_scope_that_was_dropped() {
    waits("scope", "code 7");
}

#[test]
fn a_forked_child_owes_nothing_of_its_parents_and_says_what_it_cannot_do() {
    let ended = run(PROGRAM, &["fork"]);
    assert_eq!(ended.lines, ["child: 0 pending", "child: code 3", "goodbye"]);
    assert_eq!(ended.how(), "code 0");
    assert_eq!(ended.stderr.matches("a forked child has no cleanup runtime").count(), 1);
}

#[test]
fn a_forked_child_does_not_wait_for_a_scope_though_no_cleanup_was_ever_pending() {
    let ended = run(PROGRAM, &["fork-scope"]);
    let child = ["child: drained true, 0 pending", "child: code 3"];
    assert_eq!(ended.lines, [&child[..], &["1 pending", "0 pending"]].concat(), "{}", ended.stderr);
    assert_eq!(ended.how(), "code 0");
}

/// Whatever locks those threads hold when the child comes to be.
#[test]
fn a_forked_child_leaves_a_scope_while_threads_of_its_parent_were_leaving_theirs() {
    let ended = run(PROGRAM, &["fork-others"]);
    assert_eq!(ended.lines, ["child: {\"code 3\"}"], "{}", ended.stderr);
    assert_eq!(ended.how(), "code 7");
}

#[test]
fn a_forked_child_does_not_enter_its_parents_subscriber() {
    let ended = run(PROGRAM, &["fork-traced"]);
    let said = ["child: code 3", "event", "goodbye"];
    assert_eq!(ended.lines, said, "{}", ended.stderr);
    assert_eq!(ended.how(), "code 0");
    // The parent's own failure is an event.
    let told: Vec<_> = ended.stderr.lines().map(|line| line.split('`').nth(1)).collect();
    assert_eq!(told, [Some("session"), Some("session"), Some("early")], "{}", ended.stderr);
}

#[test]
fn a_forked_child_has_no_observer_but_its_own() {
    let ended = run(PROGRAM, &["fork-observed"]);
    let said = ["child's: early", "child: code 3", "parent's: early"];
    assert_eq!(ended.lines, said, "{}", ended.stderr);
    assert!(ended.stderr.starts_with("backstop: cleanup `early` failed on "), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

#[test]
fn while_the_process_ends_a_failed_cleanup_is_a_line_beside_the_event_of_tracing() {
    let ended = run(PROGRAM, &["traced"]);
    assert_eq!(ended.how(), "code 7");
    assert_eq!(ended.lines, ["backstop", "ending", "backstop"], "{}", ended.stderr);
    // The line first: the subscriber may block, as in a lock that the thread that exits holds.
    let [early, line, late] = ended.stderr.lines().collect::<Vec<_>>()[..] else {
        panic!("{}", ended.stderr)
    };
    assert_eq!([early, late], ["told"; 2], "{}", ended.stderr);
    assert!(line.starts_with("backstop: cleanup `late` failed on cancel at "), "{line}");
}
