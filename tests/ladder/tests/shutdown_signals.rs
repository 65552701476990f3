//! `#[backstop::main]` and the signals that ask a program to end.

mod shutdown_support;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, kill_process};

use shutdown_support::{BARE, HASTY, PATIENT, Program, run, start, start_command};

const GRACEFUL: &str = "Shutdown { immediate: false }";

#[test]
fn main_that_returns_in_the_grace_period_keeps_its_status() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let program = start(PATIENT, "return");
        program.expect("ready");
        program.signal(signal);
        program.expect(GRACEFUL);
        program.wait().with_code(7).silently();
    }
}

#[test]
fn signal_in_the_first_statement_of_main_is_seen() {
    run(PATIENT, "signal_first").with_code(7).said(&[GRACEFUL]).silently();
}

/// Killed by the default action before the handlers are there, gracefully ended afterwards, and
/// nothing in between.
#[test]
fn signal_before_the_body_of_main_is_never_lost() {
    for place in 0..200 {
        let program = start(PATIENT, "return");
        // Somewhere on its way to `main`.
        thread::sleep(Duration::from_micros(10 * place));
        program.signal(Signal::TERM);
        let ended = program.wait();
        if ended.status.code() == Some(7) {
            ended.said(&["ready", GRACEFUL]).silently();
        } else {
            ended.by(Signal::TERM);
        }
    }
}

#[test]
fn grace_period_that_expires_ends_by_the_signal() {
    let program = start(HASTY, "stuck");
    program.expect("ready");
    program.signal(Signal::INT);
    let ended = program.wait();
    ended.by(Signal::INT).said(&["asked"]);
    ended.warned("after it was first asked to end (SIGINT)\n");
    ended.warned("backstop: `main` did not end\n");
}

#[test]
fn second_signal_ends_by_that_signal() {
    let program = start(PATIENT, "stuck");
    program.expect("ready");
    program.signal(Signal::TERM);
    program.expect("asked");
    program.signal(Signal::HUP);
    program.wait().by(Signal::HUP).warned("(SIGHUP)\n");
}

#[test]
fn thread_that_holds_stderr_does_not_hold_up_the_end() {
    let program = start(HASTY, "stuck_with_stderr");
    program.expect("ready");
    program.signal(Signal::TERM);
    program.wait().by(Signal::TERM).warned("`main` did not end");
}

/// Whoever waits for the token is woken by code of an executor, which is not backstop's.
#[test]
fn waker_that_blocks_or_panics_does_not_hold_up_the_end() {
    for part in ["waker_blocks", "waker_panics"] {
        let program = start(HASTY, part);
        program.expect("ready");
        program.signal(Signal::TERM);
        let ended = program.wait();
        ended.by(Signal::TERM).warned("`main` did not end");
        let told = ended.stderr.contains("backstop: waker `<token>` panicked at ");
        assert_eq!(told, part == "waker_panics", "{ended:?}");
    }
}

/// Nobody reads what it says: the pipe is full.
#[test]
fn stderr_that_takes_nothing_does_not_hold_up_the_end() {
    let program = start(HASTY, "stuck_with_a_full_stderr");
    program.expect("ready");
    program.signal(Signal::TERM);
    program.wait().by(Signal::TERM);
}

#[test]
fn what_did_not_end_is_named() {
    let program = start(HASTY, "stuck_with_others");
    program.expect("ready");
    program.signal(Signal::TERM);
    let ended = program.wait();
    ended.by(Signal::TERM).warned("backstop: `main` did not end\n");
    let child = ended.stderr.lines().find(|line| line.contains("child")).unwrap();
    assert!(child.starts_with("backstop: child `in a?scope` did not end, "), "{child}");
    assert!(child.contains("s after it was spawned at "), "{child}");
    assert!(child.contains("src/shutdown.rs:"), "{child}");
    assert!(!ended.stderr.contains("short"), "it ended: {ended:?}");
    if cfg!(target_os = "linux") {
        ended.warned("backstop: thread `unscoped` did not end\n");
    }
    let words = 3 + usize::from(cfg!(target_os = "linux"));
    assert_eq!(ended.stderr.lines().count(), words, "each is named once: {ended:?}");
}

#[test]
fn hundred_stuck_threads_do_not_bury_the_rest() {
    let program = start(HASTY, "stuck_with_a_hundred");
    program.expect("ready");
    program.signal(Signal::TERM);
    let ended = program.wait();
    ended.by(Signal::TERM).warned("backstop: 80 more children of scopes did not end\n");
    assert_eq!(ended.stderr.lines().count(), 23, "{ended:?}");
}

#[test]
fn threads_without_a_scope_have_the_root_token() {
    let program = start(PATIENT, "threads_have_the_root");
    program.expect("ready");
    program.signal(Signal::TERM);
    program.expect(&format!("{GRACEFUL} {GRACEFUL}"));
    program.expect(&format!("Some({GRACEFUL})"));
    program.wait().with_code(0).silently();
}

/// The signals of one kind in `/proc/PID/status`, by number.
#[cfg(target_os = "linux")]
fn signals(program: &Program, kind: &str) -> BTreeSet<i32> {
    let pid = program.pid().as_raw_nonzero();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix(kind)).unwrap();
    let mask = u64::from_str_radix(mask.trim_start_matches(':').trim(), 16).unwrap();
    // The C library has two of the real-time signals to itself.
    (1..32).filter(|signal| mask & (1 << (signal - 1)) != 0).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn only_the_three_signals_change() {
    let program = start(PATIENT, "answer");
    let bare = start(BARE, "answer");
    program.expect("ready");
    bare.expect("ready");
    assert_eq!(signals(&program, "SigIgn"), signals(&bare, "SigIgn"), "SIGPIPE is as it was");
    let asks = [Signal::TERM, Signal::INT, Signal::HUP].map(Signal::as_raw);
    let caught: BTreeSet<_> = signals(&bare, "SigCgt").into_iter().chain(asks).collect();
    assert_eq!(signals(&program, "SigCgt"), caught);
}

#[cfg(target_os = "linux")]
#[test]
fn inherited_ignored_signal_stays_ignored() {
    let mut command = Command::new("nohup");
    command.args([PATIENT, "answer"]);
    let mut program = start_command(command);
    program.expect("ready");
    let hangup = Signal::HUP.as_raw();
    assert!(signals(&program, "SigIgn").contains(&hangup));
    assert!(!signals(&program, "SigCgt").contains(&hangup));
    program.signal(Signal::HUP);
    program.tell("and now?");
    program.expect("None");
    program.close_stdin();
    program.wait().with_code(0);
}

/// The kernel makes one of signals that come at once, so that it may be one, two or three here.
#[test]
fn signal_storm_ends_by_that_signal() {
    let program = start(HASTY, "stuck");
    program.expect("ready");
    for _ in 0..1000 {
        // Without an error until the test has waited for it, dead or alive.
        program.signal(Signal::TERM);
    }
    program.wait().by(Signal::TERM);
}

#[test]
fn forked_child_dies_of_a_signal_and_the_parent_goes_on() {
    let mut program = start(PATIENT, "fork");
    let child = program.line();
    let child = child.strip_prefix("child ").unwrap().parse().unwrap();
    kill_process(rustix::process::Pid::from_raw(child).unwrap(), Signal::TERM).unwrap();
    program.expect(&format!("None Some({})", Signal::TERM.as_raw()));
    program.expect("None");
    program.close_stdin();
    program.wait().with_code(0).said(&["main's destructor"]).silently();
}

#[cfg(target_os = "linux")]
#[test]
fn first_process_of_a_namespace_says_what_a_shell_would() {
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", HASTY, "stuck_after_a_signal"]);
    let ended = start_command(command).wait();
    if ended.stderr.contains("unshare failed") {
        println!("skipped, because no PID namespace can be made: {}", ended.stderr);
        return;
    }
    ended.with_code(128 + Signal::TERM.as_raw()).said(&["pid 1", GRACEFUL]);
}
