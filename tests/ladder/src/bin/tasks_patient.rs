//! Plays its parts on the main thread alone, with a grace period that no test waits for.

use std::process::ExitCode;

use backstop_tests_ladder::shutdown::tasks::play;

#[backstop::main(grace = "10m", flavor = "current_thread")]
async fn main() -> ExitCode {
    play().await
}
