//! The attribute at the rungs `kill` and `reboot`, in a program with everything: says `ready` and its
//! reaper's process id, and goes on when stdin ends.
//!
//! Arguments: the way, and the directory of the things.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use backstop::{Action, Guard, defer, must_cleanup, process};

#[backstop::main(reaper, journal)]
fn main() -> io::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [way, things] = &arguments[..] else { panic!("two arguments") };
    let thing = &Path::new(things).join("thing");
    match way.as_str() {
        "look" => Ok(()),
        "let-kill" => let_kill(thing),
        "let-reboot" => let_reboot(thing),
        "statement-kill" => statement_kill(thing),
        "statement-reboot" => statement_reboot(thing),
        "statement-within" => statement_within(thing),
        "statement-within-reboot" => statement_within_reboot(thing),
        "defer-kill" => defer_kill(thing),
        "over" => over(thing).and_then(|()| ready()),
        "dismiss-kill" => dismiss_kill(thing),
        "dismiss-reboot" => dismiss_reboot(thing),
        "failure-kill" => failure_kill(thing).and_then(|()| ready()),
        "failure-reboot" => failure_reboot(thing).and_then(|()| ready()),
        "failure-within" => failure_within(thing),
        "fails-first" => fails_first(thing),
        "order" => order(Path::new(things)),
        "child" => child(),
        other => panic!("no way {other}"),
    }
}

/// Tells that everything is as it is to be, and waits.
fn ready() -> io::Result<()> {
    backstop::reaper::check()?;
    println!("ready {}", backstop::__private::reaper::pid().unwrap_or_default());
    io::stdout().flush()?;
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

/// A child with a child of its own, which has stderr; what is before `ready` is the child's id.
fn child() -> io::Result<()> {
    let mut command = Command::new("sh");
    command.args(["-c", "sleep 100 & echo; wait"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = process::spawn(command)?;
    if let Some(stdout) = &mut child.stdout {
        stdout.read_exact(&mut [0])?;
    }
    println!("{}", child.id());
    ready()
}

fn make(thing: &Path) -> io::Result<()> {
    fs::create_dir(thing)?;
    fs::write(thing.join("text"), "text")
}

#[must_cleanup]
fn let_kill(thing: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(thing), survives = kill)]
    let _made = make(thing)?;
    ready()
}

#[must_cleanup]
fn let_reboot(thing: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(thing), survives = reboot)]
    let _made = make(thing)?;
    ready()
}

#[must_cleanup]
fn statement_kill(thing: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(thing), survives = kill)]
    make(thing)?;
    ready()
}

#[must_cleanup]
fn statement_reboot(thing: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(thing), survives = reboot)]
    make(thing)?;
    ready()
}

fn make_and_wait(thing: &Path) -> io::Result<()> {
    make(thing)?;
    ready()
}

#[must_cleanup]
fn statement_within(thing: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(thing), survives = kill)]
    make_and_wait(thing)?;
    Ok(())
}

#[must_cleanup]
fn statement_within_reboot(thing: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(thing), survives = reboot)]
    make_and_wait(thing)?;
    Ok(())
}

#[must_cleanup]
fn defer_kill(thing: &Path) -> io::Result<()> {
    make(thing)?;
    defer!(survives = kill, Action::remove_dir_all(thing));
    ready()
}

#[must_cleanup]
fn over(thing: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(thing), survives = reboot)]
    make(thing)?;
    Ok(())
}

#[must_cleanup]
fn dismiss_kill(thing: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(thing), survives = kill)]
    let made = make(thing)?;
    let () = Guard::dismiss(made);
    ready()
}

#[must_cleanup]
fn dismiss_reboot(thing: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(thing), survives = reboot)]
    let made = make(thing)?;
    let () = Guard::dismiss(made);
    ready()
}

#[must_cleanup]
fn failure_kill(thing: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(thing), on = failure, survives = kill)]
    make(thing)?;
    Ok(())
}

#[must_cleanup]
fn failure_reboot(thing: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(thing), on = failure, survives = reboot)]
    make(thing)?;
    Ok(())
}

#[must_cleanup]
fn failure_within(thing: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(thing), on = failure, survives = kill)]
    make(thing)?;
    ready()
}

/// A command that counts its runs in `file`, and ends with `status`.
fn note(word: &str, file: &Path, status: u8) -> Action {
    let script = format!("echo {word} >> \"$1\"; exit {status}");
    Action::run(Command::new("/bin/sh").args(["-c", &script, "sh"]).arg(file))
}

#[must_cleanup]
fn fails_first(thing: &Path) -> io::Result<()> {
    #[cleanup(note("run", thing, 1), survives = kill)]
    fs::write(thing, "made\n")?;
    ready()
}

#[must_cleanup]
fn order(things: &Path) -> io::Result<()> {
    let order = things.join("order");
    #[cleanup(note("first", &order, 0), survives = reboot)]
    let _log = OpenOptions::new().create(true).append(true).open(&order)?;
    #[cleanup(note("second", &order, 0), survives = kill)]
    make(&things.join("made"))?;
    ready()
}
