//! `#[backstop::main]` on an `async fn`.

mod shutdown_support;

use rustix::process::Signal;

use shutdown_support::{run, start};

const HASTY: &str = env!("CARGO_BIN_EXE_tasks_hasty");
const WORKERS: &str = env!("CARGO_BIN_EXE_tasks_workers");
const PATIENT: &str = env!("CARGO_BIN_EXE_tasks_patient");
const GRACEFUL: &str = "Shutdown { immediate: false }";

#[test]
fn main_runs_on_the_runtime_that_the_options_say() {
    run(WORKERS, "workers").with_code(0).said(&["MultiThread 2"]).silently();
    run(PATIENT, "workers").with_code(0).said(&["CurrentThread 1"]).silently();
    for program in [WORKERS, PATIENT] {
        run(program, "drivers").with_code(0).said(&["listens: true"]).silently();
    }
}

#[test]
fn main_is_asked_by_its_token_and_its_value_is_the_status() {
    for program in [WORKERS, PATIENT] {
        let program = start(program, "return");
        program.expect("ready");
        program.signal(Signal::TERM);
        program.wait().with_code(7).said(&[GRACEFUL]).silently();
    }
}

#[test]
fn after_the_grace_period_main_and_its_tasks_are_dropped_and_their_cleanups_awaited() {
    let program = start(HASTY, "pending");
    let mut ready = [program.line(), program.line()];
    ready.sort();
    assert_eq!(ready, ["main ready", "task ready"]);
    program.signal(Signal::TERM);
    let mut ended = program.wait();
    ended.stdout.sort();
    ended.by(Signal::TERM).said(&["main said goodbye", "task said goodbye"]);
    assert!(!ended.stderr.contains("cleanup"), "all ended: {}", ended.stderr);
    ended.warned("backstop: `main` was dropped before it had ended\n");
    assert!(!ended.stderr.contains("`main` did not end"), "it is gone: {}", ended.stderr);
}

#[test]
fn a_main_that_has_ended_is_not_said_to_have_been_dropped_or_not_to_have_ended() {
    let program = start(PATIENT, "leaves_a_blocking_task");
    program.expect("main's destructor");
    let ended = program.signal_until_it_ends(Signal::TERM);
    ended.by(Signal::TERM).warned("backstop: `main` has ended, and its tasks did not\n");
    assert_eq!(ended.stderr.matches("`main`").count(), 1, "{ended:?}");
}

#[test]
fn a_second_signal_does_the_same_at_once() {
    let program = start(PATIENT, "asked");
    program.expect("main ready");
    program.signal(Signal::TERM);
    program.expect("asked");
    program.signal(Signal::HUP);
    program.wait().by(Signal::HUP).said(&["main said goodbye"]);
}

#[test]
fn tasks_of_a_scope_look_at_the_token_first_and_are_aborted_then() {
    let program = start(WORKERS, "in_a_scope");
    program.expect("ready");
    program.signal(Signal::TERM);
    program.expect(GRACEFUL);
    program.signal(Signal::TERM);
    program.wait().by(Signal::TERM).said(&["child dropped"]);
}

#[test]
fn main_that_never_yields_still_ends() {
    for program in [WORKERS, PATIENT] {
        let program = start(program, "stuck");
        program.expect("ready");
        program.signal(Signal::TERM);
        program.signal_until_it_ends(Signal::TERM).by(Signal::TERM).warned("`main` did not end");
    }
}

#[test]
fn a_task_that_never_yields_does_not_keep_the_program() {
    let program = start(HASTY, "task_is_stuck");
    program.expect("ready");
    program.signal(Signal::TERM);
    program.wait().by(Signal::TERM).warned("thread `tokio-");
}

#[test]
fn tasks_that_main_leaves_are_dropped() {
    for program in [WORKERS, PATIENT] {
        run(program, "leaves_tasks").with_code(7).said(&["task dropped"]).silently();
    }
}

#[test]
fn async_cleanups_of_tasks_that_main_leaves_are_awaited() {
    for program in [WORKERS, PATIENT] {
        let ended = run(program, "leaves_a_task_that_owes");
        ended.with_code(7).said(&["task ready", "task said goodbye"]).silently();
    }
}

#[test]
fn once_main_has_ended_a_failed_cleanup_is_a_line_beside_the_event_of_tracing() {
    for program in [WORKERS, PATIENT] {
        let ended = run(program, "leaves_a_task_whose_cleanup_fails");
        ended.with_code(7).warned("backstop: cleanup `name` failed on cancel at ");
        assert!(ended.stderr.ends_with(": late\n"), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    }
    let program = start(HASTY, "fails_when_dropped");
    program.expect("ready");
    program.signal(Signal::TERM);
    let ended = program.wait();
    ended.by(Signal::TERM).warned("backstop: cleanup `name` failed on cancel at ");
    ended.warned(": main's\n");
}

#[test]
fn blocking_tasks_that_main_leaves_are_waited_for_no_longer_than_the_grace_period() {
    let left = run(HASTY, "leaves_a_blocking_task");
    left.with_code(7).warned("backstop: `main` has ended, and tasks on ");
    left.warned(" of its runtime's threads did not end within 200ms\n");
    let short = run(PATIENT, "leaves_a_short_blocking_task");
    short.with_code(7).said(&["blocking task done"]).silently();
}

#[test]
fn a_blocking_task_of_a_scope_is_named_with_its_age_and_spawn_site() {
    let program = start(HASTY, "scope_with_a_blocking_task");
    program.expect("ready");
    program.signal(Signal::TERM);
    let ended = program.wait();
    ended.by(Signal::TERM).warned("backstop: blocking task `hash` did not end, ");
    ended.warned("s after it was spawned at tests/ladder/src/shutdown/tasks.rs:");
}

#[test]
fn exit_unwinds_main_and_from_a_task_tells_it() {
    for program in [WORKERS, PATIENT] {
        run(program, "exit").with_code(3).said(&["main's destructor"]).silently();
        run(program, "exit_in_a_task").with_code(3).said(&["main's destructor"]).silently();
    }
}

#[test]
fn a_panic_of_main_is_one() {
    let ended = run(WORKERS, "panic");
    ended.with_code(101).said(&["main's destructor"]).warned("in main");
}
