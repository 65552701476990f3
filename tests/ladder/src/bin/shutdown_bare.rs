//! Plays its parts without `#[backstop::main]`.

use std::process::ExitCode;

use backstop_tests_ladder::shutdown::play;

fn main() -> ExitCode {
    play()
}
