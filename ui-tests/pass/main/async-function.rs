#![deny(warnings, clippy::all, clippy::pedantic)]
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::rc::Rc;

use backstop::must_cleanup;

/// Futures of `main` need not be `Send`.
#[backstop::main(flavor = "multi_thread", grace = "1s")]
#[must_cleanup]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let shared = Rc::new(3);
    #[cleanup(drop(other))]
    let other = Rc::clone(&shared);
    std::future::ready(()).await;
    assert_eq!(**other, 3);
    Ok(ExitCode::SUCCESS)
}
