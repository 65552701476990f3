//! Plays its parts on a runtime of two threads, with a grace period that no test waits for.

use std::process::ExitCode;

use backstop_tests_ladder::shutdown::tasks::play;

#[backstop::main(grace = "10m", worker_threads = 2)]
async fn main() -> ExitCode {
    play().await
}
