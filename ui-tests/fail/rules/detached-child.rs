use backstop::scoped_spawn;
use std::io;
use std::process::Command;

#[scoped_spawn]
fn refused() -> io::Result<()> {
    Command::new("true").spawn()?;
    Ok(())
}

fn main() {
    refused();
}
