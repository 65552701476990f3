//! Plays its parts with a grace period of 200ms.

use std::process::ExitCode;

use backstop_tests_ladder::shutdown::play;

#[backstop::main(grace = "200ms")]
fn main() -> ExitCode {
    play()
}
