//! A program with reaper and journal, for what both are to agree on.
//!
//! Arguments: the way, and a directory.

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::Command;

use backstop::{Action, Survives, defer, must_cleanup, scratch};

#[backstop::main(reaper, journal)]
fn main() -> io::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [way, directory] = &arguments[..] else { panic!("two arguments") };
    match way.as_str() {
        "look" => Ok(()),
        "run" => run(Path::new(directory)),
        "chroot" => chroot(Path::new(directory)),
        "chroot-later" => chroot_later(Path::new(directory)),
        other => panic!("no way {other}"),
    }
}

/// Says how each rung takes a registration with another root, a line each.
fn chroot(directory: &Path) -> io::Result<()> {
    rustix::process::chroot(directory)?;
    for rung in [Survives::Exit, Survives::Kill, Survives::Reboot] {
        match scratch::dir_in("/", rung) {
            Ok(made) => println!("{rung} made {}", made.keep().0.display()),
            Err(error) => println!("{rung} refused: {error}"),
        }
    }
    ready()
}

/// Makes a directory in this one, and drops it where its path leads nowhere.
fn chroot_later(directory: &Path) -> io::Result<()> {
    let made = scratch::dir_in(directory, Survives::Kill)?;
    rustix::process::chroot(directory)?;
    println!("made {}", made.path().file_name().unwrap_or_default().to_string_lossy());
    drop(made);
    ready()
}

/// A program that says each time that it was run, and then removes a file.
#[must_cleanup]
fn run(directory: &Path) -> io::Result<()> {
    let mut command = Command::new("sh");
    command.args(["-c", "echo run >> runs && rm -f waiting"]).current_dir(directory);
    defer!(survives = reboot, Action::run(&command));
    ready()
}

/// Tells that everything is as it is to be, and waits.
fn ready() -> io::Result<()> {
    println!("ready");
    io::stdout().flush()?;
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}
