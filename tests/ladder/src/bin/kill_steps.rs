//! Makes one thing, uses it, and removes it again; says each step on stdout.
//!
//! Arguments: a directory of its own, the rung (`kill` or `reboot`), and the helper that makes the
//! thing. `look` makes nothing: at `reboot` it performs what is in the journal, and says what that
//! was.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use backstop::__private::{journal, reaper};
use backstop::reaper::Builder;
use backstop::{
    Action, Survives, create_dir, create_file, create_socket, must_cleanup, process, scratch,
};
use backstop_tests_ladder::step::mark;

fn main() -> io::Result<()> {
    reaper::if_reaper_then_serve();
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [home, rung, helper] = &arguments[..] else { panic!("three arguments") };
    let home = Path::new(home);
    let survives = if rung == "kill" { Survives::Kill } else { Survives::Reboot };
    if survives == Survives::Kill {
        reaper::start_from_main_with(Builder::new().log(home.join("log")))?;
        backstop::reaper::check()?;
        say(&format!("reaper {}", reaper::pid().unwrap_or_default()));
    } else {
        let recovery = journal::open(Some(&home.join("journal")))?;
        say(&format!("recovered\n{recovery}"));
    }
    let things = home.join("things");
    mark();
    match (helper.as_str(), survives) {
        ("look", _) => {}
        ("scratch_dir", _) => {
            let dir = scratch::dir_in(&things, survives)?;
            fill(dir.path())?;
            dir.remove()?;
        }
        ("scratch_file", _) => {
            let mut file = scratch::file_in(&things, survives)?;
            file.write_all(b"text")?;
            said("made")?;
            file.remove()?;
        }
        ("create_dir", _) => {
            let dir = create_dir(things.join("dir"), survives)?;
            fill(dir.path())?;
            dir.remove()?;
        }
        ("create_file", _) => {
            let mut file = create_file(things.join("file"), survives)?;
            file.write_all(b"text")?;
            said("made")?;
            file.remove()?;
        }
        ("create_socket", _) => {
            let socket = create_socket(things.join("socket"), survives)?;
            said("made")?;
            socket.remove()?;
        }
        ("spawn", _) => spawn()?,
        ("let", Survives::Kill) => let_at_kill(&things.join("thing"))?,
        ("let", _) => let_at_reboot(&things.join("thing"))?,
        ("statement", Survives::Kill) => statement_at_kill(&things.join("thing"))?,
        ("statement", _) => statement_at_reboot(&things.join("thing"))?,
        other => panic!("no helper {other:?}"),
    }
    said("removed")
}

/// One write, so that a kill leaves no half of it.
fn say(line: &str) {
    let line = format!("{line}\n");
    let _ = rustix::io::write(rustix::stdio::stdout(), line.as_bytes());
}

fn said(line: &str) -> io::Result<()> {
    say(line);
    Ok(())
}

fn fill(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir.join("a/b"))?;
    fs::write(dir.join("a/b/text"), "text")?;
    std::os::unix::fs::symlink("/", dir.join("root"))?;
    said("made")
}

/// A child with a child of its own. Both hold stderr, by whose end the test tells that they are gone.
fn spawn() -> io::Result<()> {
    let mut command = Command::new("sh");
    command.args(["-c", "sleep 100 & echo; wait"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = process::spawn(command)?;
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut String::new())?;
    }
    said("made")?;
    child.kill()?;
    Ok(())
}

/// What the user's code makes, for which nothing but the attribute answers.
fn make(thing: &Path) -> io::Result<()> {
    say("making");
    fs::create_dir(thing)?;
    fs::write(thing.join("text"), "text")?;
    said("made")
}

macro_rules! attributed {
    ($rung:ident, $of_let:ident, $of_statement:ident) => {
        #[must_cleanup]
        fn $of_let(thing: &Path) -> io::Result<()> {
            #[cleanup(Action::remove_dir_all(thing), survives = $rung)]
            let made = make(thing)?;
            said("committed")?;
            drop(made);
            Ok(())
        }

        #[must_cleanup]
        fn $of_statement(thing: &Path) -> io::Result<()> {
            #[cleanup(Action::remove_dir_all(thing), survives = $rung)]
            make(thing)?;
            said("committed")
        }
    };
}

attributed!(kill, let_at_kill, statement_at_kill);
attributed!(reboot, let_at_reboot, statement_at_reboot);
