//! The program's signals are the program's: no thread of backstop's takes them.
#![cfg(target_os = "linux")]

use std::process::Command;

use backstop_tests_ladder::exit::start;
use rustix::process::Signal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_signals_waited");

#[test]
fn a_program_may_wait_for_a_signal_itself_and_a_child_has_the_mask_of_who_started_it() {
    let home = tempfile::tempdir().unwrap();
    let mut program = start(Command::new(PROGRAM).env("XDG_STATE_HOME", home.path()));
    assert_eq!(program.line(), "ready");
    program.signal(Signal::USR1);
    let ended = program.end();
    assert_eq!(ended.how(), "code 0", "{}", ended.stderr);
    // What a child of an exit cleanup has blocked is what `main` has: signal 10, SIGUSR1.
    assert_eq!(ended.lines, ["SIGUSR1", "SigBlk:\t0000000000000200"], "{}", ended.stderr);
}
