//! Plays its parts with a grace period of 10m.

use std::process::ExitCode;

use backstop_tests_ladder::shutdown::play;

#[backstop::main(grace = "10m")]
fn main() -> ExitCode {
    play()
}
