//! The trait and the type are imported outside; the parameter's type says enough.

use backstop::no_exit;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

#[no_exit]
fn by_reference(command: &mut Command) -> io::Error {
    command.exec()
}

#[no_exit]
fn by_value(mut command: Command) {
    command.arg("x").exec();
}

#[no_exit]
fn bound() {
    let mut command = Command::new("true");
    command.exec();
}

fn main() {
    by_reference(&mut Command::new("true"));
    by_value(Command::new("true"));
    bound();
}
