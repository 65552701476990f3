//! Plays its parts on a runtime of two threads, with a grace period of 200ms.

use std::process::ExitCode;

use backstop_tests_ladder::shutdown::tasks::play;

#[backstop::main(grace = "200ms", worker_threads = 2)]
async fn main() -> ExitCode {
    play().await
}
