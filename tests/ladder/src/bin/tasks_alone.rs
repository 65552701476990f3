//! Plays its parts on the main thread alone, with a grace period of 200ms.

use std::process::ExitCode;

use backstop_tests_ladder::shutdown::tasks::play;

#[backstop::main(grace = "200ms", flavor = "current_thread")]
async fn main() -> ExitCode {
    play().await
}
