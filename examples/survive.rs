//! Ends processes in every way there is, and shows what each kind of cleanup leaves behind.
//!
//! ```text
//! cargo run --example survive [ROW..]
//! ```
//!
//! Each cell of the matrix is a process of this very program, started again, that makes a scratch
//! directory and really ends that way. The ways are the table in `src/survive/rows.rs`, the kinds of
//! cleanup are in `src/survive/columns.rs`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    backstop_examples::survive::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("error: some of the ways to end a process in this example are only on Linux");
    ExitCode::FAILURE
}
