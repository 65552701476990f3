//! `cargo backstop`: see the library.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::process::ExitCode;

use cargo_backstop::{cli, wrapper};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if std::env::var_os(wrapper::VARIABLE).is_some() {
        return wrapper::run(arguments.get(1..).unwrap_or_default());
    }
    cli::run(arguments)
}
