#![deny(warnings)]

use backstop::no_exit;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus};

#[no_exit]
fn accepted() -> io::Result<ExitStatus> {
    Command::new("true").arg("x").status()
}

#[no_exit]
fn allowed() -> io::Error {
    #[allow_skip(process_exec, reason = "hands the process over, on purpose")]
    Command::new("true").arg("x").exec()
}

fn main() {
    assert!(accepted().unwrap().success());
    let _ = allowed as fn() -> io::Error;
}
