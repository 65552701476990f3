#![deny(warnings)]

use backstop::scoped_spawn;
use std::io;
use std::process::Command;

#[scoped_spawn]
fn accepted() -> io::Result<()> {
    Command::new("true").status()?;
    let mut child = Command::new("true").spawn()?;
    child.wait()?;
    Ok(())
}

#[scoped_spawn]
fn allowed() -> io::Result<()> {
    #[allow_skip(detached_child, reason = "a daemon")]
    Command::new("true").spawn()?;
    Ok(())
}

fn main() {
    let _ = accepted();
    let _ = allowed as fn() -> io::Result<()>;
}
