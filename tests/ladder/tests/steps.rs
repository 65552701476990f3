//! The stepper itself.
#![cfg(target_os = "linux")]

use std::process::Command;

use backstop_tests_ladder::step::{Stepped, kill_at};

#[test]
fn a_program_is_killed_at_each_of_its_calls_and_then_ends_by_itself() {
    let mut stop = 1;
    while let Stepped::Killed = kill_at(&mut Command::new("/bin/true"), stop).unwrap() {
        stop += 1;
    }
    assert!(stop > 10, "{stop} halves of calls");
    assert_eq!(kill_at(&mut Command::new("/bin/true"), stop + 1).unwrap(), Stepped::Ended(0));
}
