//! SIGTERM, SIGINT and SIGHUP run the cleanups where they would end the process, and only there;
//! a handler of SIGABRT that was there before is still called.

use std::process::Command;

use backstop_tests_ladder::exit::{Running, run, start};
use rustix::process::Signal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_exit_signals");
const CLEANED: [&str; 2] = ["last", "first"];

fn ready(preparation: &str) -> Running {
    let mut program = start(Command::new(PROGRAM).arg(preparation));
    assert_eq!(program.line(), "ready");
    program
}

#[test]
fn each_signal_runs_the_cleanups_and_is_what_the_process_died_of() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let program = ready("default");
        program.signal(signal);
        let ended = program.end();
        assert_eq!(ended.lines, CLEANED);
        assert_eq!(ended.how(), format!("signal {}", signal.as_raw()));
        assert!(ended.stderr.is_empty(), "{}", ended.stderr);
    }
}

#[test]
fn a_storm_of_signals_runs_the_cleanups_once() {
    let mut program = ready("slow");
    for _ in 0..1_000 {
        for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
            program.signal(signal);
        }
    }
    assert_eq!(program.line(), "cleaning");
    for _ in 0..1_000 {
        program.signal(Signal::TERM);
    }
    program.let_go();
    let ended = program.end();
    assert_eq!(ended.lines, CLEANED);
    let of = [1, 2, 15].map(|signal| format!("signal {signal}"));
    assert!(of.contains(&ended.how()), "{}", ended.how());
}

/// `nohup`, and the background jobs of a shell.
#[test]
fn an_inherited_ignored_signal_stays_ignored() {
    let script = "trap '' HUP INT TERM; exec \"$0\" ignored";
    let mut program = start(Command::new("sh").args(["-c", script, PROGRAM]));
    assert_eq!(program.line(), "ready");
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        program.signal(signal);
    }
    program.let_go();
    let ended = program.end();
    assert_eq!(ended.how(), "code 5");
    assert_eq!(ended.lines, CLEANED, "by the exit");
}

#[test]
fn a_handler_of_the_programs_own_stays_the_only_one() {
    for preparation in ["handled", "handled-later", "chained-later"] {
        let mut program = ready(preparation);
        program.signal(Signal::TERM);
        assert_eq!(program.line(), "own handler", "{preparation}");
        program.let_go();
        let ended = program.end();
        assert_eq!(ended.how(), "code 5", "{preparation}");
        assert_eq!(ended.lines, CLEANED, "by the exit: {preparation}");
    }
}

#[test]
fn a_program_that_waits_for_its_signals_gets_them() {
    let program = ready("blocked");
    program.signal(Signal::TERM);
    let ended = program.end();
    assert_eq!(ended.lines, ["waited for 15", "last", "first"]);
    assert_eq!(ended.how(), "code 6");
}

#[test]
fn a_handler_of_sigabrt_that_was_there_is_called_after_the_cleanups() {
    for (preparation, how) in [("abort-handled", "signal 6"), ("abort-exits", "code 9")] {
        let ended = run(PROGRAM, &[preparation]);
        assert_eq!(ended.lines, ["last", "first", "own handler"], "{preparation}");
        assert_eq!(ended.how(), how);
    }
}

#[test]
fn an_abort_with_sigabrt_ignored_cleans_up_too() {
    let ended = run(PROGRAM, &["abort-ignored"]);
    assert_eq!(ended.lines, CLEANED);
    assert_eq!(ended.how(), "signal 6");
}

/// Whether it ends the process is for that handler to say, and this one does not.
#[test]
fn a_sigabrt_from_outside_is_for_the_programs_own_handler() {
    let mut program = ready("abort-handled-from-outside");
    program.signal(Signal::ABORT);
    assert_eq!(program.line(), "own handler");
    program.let_go();
    let ended = program.end();
    assert_eq!(ended.lines, ["last", "first", "own handler"], "by the abort that follows");
    assert_eq!(ended.how(), "signal 6");
}

/// The kernel spares the first process of a container its signals' defaults.
#[test]
fn the_first_process_of_a_container_exits_with_the_signals_code() {
    let probe = Command::new("unshare").args(["--pid", "--fork", "true"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: no process namespace can be made here");
        return;
    }
    for (preparation, how) in [("terminates-itself", "code 143"), ("abort-default", "code 134")] {
        let arguments = ["--pid", "--fork", PROGRAM, preparation];
        let ended = start(Command::new("unshare").args(arguments)).end();
        assert_eq!(ended.lines, CLEANED, "{}", ended.stderr);
        assert_eq!(ended.how(), how, "{preparation}");
    }
}
