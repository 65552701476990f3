//! Everything denied, nothing in scope.
#![deny(warnings, clippy::all, clippy::pedantic, missing_docs, unused)]
#![forbid(unsafe_code)]
#![no_implicit_prelude]

use ::std::result::Result::{self, Ok};

mod std {}
mod core {}
mod backstop {}

/// Starts it all.
///
/// # Errors
///
/// Never.
#[::backstop::main(grace = "500ms")]
fn main() -> Result<(), ::std::string::String> {
    let line = ::std::line!();
    let ok: Result<u32, ::std::string::String> = Ok(line);
    ::std::assert_eq!(ok?, 19);
    Ok(())
}
