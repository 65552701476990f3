use backstop::no_exit;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

#[no_exit]
fn refused() -> io::Error {
    Command::new("true").arg("x").exec()
}

fn main() {
    refused();
    Command::new("true").exec();
}
