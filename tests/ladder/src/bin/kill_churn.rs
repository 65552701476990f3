//! Makes and removes files, directories, sockets, links and children on four threads, at all rungs,
//! until it is killed. A stranger interferes all the while: what goes wrong because of that is no
//! error here.
//!
//! Arguments: the arena, a seed, and `reaper` or `journal`: who is to clean up. With `journal`, the
//! reaper will be killed as well, so that nothing is made at the rung `kill`.
//!
//! It says on stdout: `ready` and the reaper's process id; `.` for each turn; `made IDENTITY PLACE` once
//! its own code has made something, before that is registered; `committed PLACE` once it is; `keeping PLACE` and `kept PLACE` before and after
//! it keeps what a helper made; `displaced` and where what a cleanup has taken in the midst of a swap,
//! and could not give its name back, is now.

use std::any::Any;
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::thread;
use std::time::Duration;

use backstop::__private::{journal, reaper};
use backstop::process::{Child, spawn};
use backstop::reaper::Builder;
use backstop::{
    Action, OwnedPath, Survives, create_dir, create_file, create_socket, must_cleanup, scratch,
};
use backstop_tests_ladder::arena::{Identity, NAMES};
use backstop_tests_ladder::random::Random;
use rustix::fs::{CWD, Mode, OFlags};

fn main() -> io::Result<()> {
    reaper::if_reaper_then_serve();
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [arena, seed, keeper] = &arguments[..] else { panic!("three arguments") };
    let arena = Path::new(arena);
    // The stranger tells by the mode what is committed.
    rustix::process::umask(Mode::from_raw_mode(0o022));
    // The stranger makes cleanups fail and registrations panic, as it should.
    backstop::set_observer(|event| {
        let text = event.to_string();
        if let Some((_, place)) = text.split_once("it is now at ") {
            say(&format!("displaced {place}"));
        }
    });
    std::panic::set_hook(Box::new(|_| {}));
    let options = Builder::new().log(arena.join("log")).deadline(Duration::from_secs(20));
    reaper::start_from_main_with(options)?;
    journal::open(Some(&arena.join("records")))?;
    backstop::reaper::check()?;
    say(&format!("ready {}", reaper::pid().unwrap_or_default()));
    let seed: u64 = seed.parse().expect("a number");
    thread::scope(|s| {
        for number in 0..4 {
            let random = Random::new(seed.wrapping_mul(4).wrapping_add(number));
            let with_reaper = keeper == "reaper";
            let mut churn =
                Churn { arena, number, random, with_reaper, made: 0, held: VecDeque::new() };
            s.spawn(move || {
                loop {
                    churn.turn(0);
                }
            });
        }
    });
    Ok(())
}

/// One write, so that a kill leaves no half of it.
fn say(line: &str) {
    let line = format!("{line}\n");
    let _ = rustix::io::write(rustix::stdio::stdout(), line.as_bytes());
}

/// What is held for a while, and removed by being dropped.
#[allow(dead_code, reason = "they are there to be dropped")]
enum Held {
    Path(OwnedPath),
    File(OwnedPath<File>),
    Socket(OwnedPath<UnixListener>),
    Child(Child),
}

struct Churn<'a> {
    arena: &'a Path,
    number: u64,
    random: Random,
    with_reaper: bool,
    made: u64,
    held: VecDeque<Held>,
}

impl Churn<'_> {
    fn turn(&mut self, depth: u32) {
        say(".");
        let result = catch_unwind(AssertUnwindSafe(|| self.make(depth)));
        match result {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tolerate(error.kind(), &error.to_string()),
            Err(payload) => tolerate(ErrorKind::Other, &text(&*payload)),
        }
        while self.held.len() as u64 > self.random.below(12) {
            let at = self.random.below(self.held.len() as u64);
            drop(self.held.remove(usize::try_from(at).expect("an index")));
        }
    }

    fn make(&mut self, depth: u32) -> io::Result<()> {
        let (survives, ground) = self.rung();
        let named = ground.join(self.random.of(&NAMES));
        let held = match self.random.below(21) {
            0..3 => {
                let dir = scratch::dir_in(&ground, survives)?;
                fill(dir.path());
                Held::Path(dir)
            }
            3..5 => {
                let mut file = scratch::file_in(&ground, survives)?;
                file.write_all(b"text")?;
                if self.random.below(4) == 0 {
                    say(&format!("keeping {}", self.place(file.path())));
                    let (path, _file) = file.keep();
                    say(&format!("kept {}", self.place(&path)));
                    return Ok(());
                }
                Held::File(file)
            }
            5..8 => {
                let dir = create_dir(named, survives)?;
                fill(dir.path());
                Held::Path(dir)
            }
            8..11 => {
                let mut file = create_file(named, survives)?;
                file.write_all(b"text")?;
                Held::File(file)
            }
            11..13 => Held::Socket(create_socket(named, survives)?),
            13 => Held::Child(self.child()?),
            _ if depth > 2 => return Ok(()),
            way => {
                self.made += 1;
                // Not where the stranger exchanges the directory: between the user's own code and the
                // registration, the path may come to lead to another thing, which is taken for what
                // was made. `Action` says so.
                let ground = self.arena.join(match survives {
                    Survives::Exit => "exit",
                    Survives::Kill => "kill",
                    Survives::Reboot => "reboot",
                });
                let path = ground.join(format!("w{}-{}", self.number, self.made));
                return match (survives, way % 2) {
                    (Survives::Exit, 0) => let_at_exit(self, depth, &path),
                    (Survives::Kill, 0) => let_at_kill(self, depth, &path),
                    (Survives::Reboot, 0) => let_at_reboot(self, depth, &path),
                    (Survives::Exit, _) => statement_at_exit(self, depth, &path),
                    (Survives::Kill, _) => statement_at_kill(self, depth, &path),
                    (Survives::Reboot, _) => statement_at_reboot(self, depth, &path),
                };
            }
        };
        self.held.push_back(held);
        Ok(())
    }

    /// A rung, and where to make what survives by it.
    fn rung(&mut self) -> (Survives, PathBuf) {
        let (survives, ground) = match self.random.below(9) {
            0 => (Survives::Exit, "exit"),
            1..4 if self.with_reaper => (Survives::Kill, "kill"),
            4 if self.with_reaper => (Survives::Kill, "swap"),
            4..6 => (Survives::Reboot, "swap"),
            _ => (Survives::Reboot, "reboot"),
        };
        (survives, self.arena.join(ground))
    }

    /// It holds this program's stdout, by whose end the test sees that it is gone.
    fn child(&self) -> io::Result<Child> {
        let mut command = Command::new("sleep");
        command.arg("100");
        if self.with_reaper {
            command = Command::new("sh");
            command.args(["-c", "sleep 100 & sleep 100"]);
        }
        spawn(command)
    }

    /// What the user's own code makes, for which nothing but the attribute answers.
    fn make_by_hand(&mut self, path: &Path) -> io::Result<()> {
        match self.random.below(3) {
            0 => {
                fs::create_dir(path)?;
                fill(path);
            }
            1 => symlink(self.arena.join("victim"), path)?,
            _ => OpenOptions::new().write(true).create_new(true).open(path)?.write_all(b"text")?,
        }
        if let Some(identity) = Identity::of(CWD, path) {
            say(&format!("made {identity} {}", self.place(path)));
        }
        Ok(())
    }

    /// Says that it is registered, to the test and, by its mode, to the stranger.
    fn committed(&self, path: &Path) {
        say(&format!("committed {}", self.place(path)));
        // The name may have become a link's of the stranger's.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        if let Ok(file) = rustix::fs::open(path, flags, Mode::empty()).map(File::from) {
            let is_dir = file.metadata().is_ok_and(|metadata| metadata.is_dir());
            let mode = if is_dir { 0o700 } else { 0o600 };
            let _ = file.set_permissions(Permissions::from_mode(mode));
        }
    }

    /// The ground and the name of a thing.
    fn place(&self, path: &Path) -> String {
        path.strip_prefix(self.arena).unwrap_or(path).display().to_string()
    }

    fn go_on(&mut self, depth: u32) {
        for _ in 0..self.random.below(4) {
            self.turn(depth + 1);
        }
    }
}

macro_rules! attributed {
    ($rung:ident, $of_let:ident, $of_statement:ident) => {
        #[must_cleanup]
        fn $of_let(churn: &mut Churn<'_>, depth: u32, path: &Path) -> io::Result<()> {
            #[cleanup(action(path), survives = $rung)]
            let _made = churn.make_by_hand(path)?;
            churn.committed(path);
            churn.go_on(depth);
            Ok(())
        }

        #[must_cleanup]
        fn $of_statement(churn: &mut Churn<'_>, depth: u32, path: &Path) -> io::Result<()> {
            let by_hand = churn.random.clone().below(3);
            #[cleanup(action_of(by_hand, path), survives = $rung)]
            churn.make_by_hand(path)?;
            churn.committed(path);
            churn.go_on(depth);
            Ok(())
        }
    };
}

attributed!(exit, let_at_exit, statement_at_exit);
attributed!(kill, let_at_kill, statement_at_kill);
attributed!(reboot, let_at_reboot, statement_at_reboot);

fn action(path: &Path) -> Action {
    let is_dir = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
    action_of(u64::from(!is_dir), path)
}

/// For what [`Churn::make_by_hand`] is going to make of this number.
fn action_of(by_hand: u64, path: &Path) -> Action {
    if by_hand == 0 { Action::remove_dir_all(path) } else { Action::remove_file(path) }
}

/// Plain files of ours in a directory; wherever that is by now.
fn fill(dir: &Path) {
    let _ = fs::create_dir(dir.join("content"));
    let _ = fs::write(dir.join("content/text"), "text");
    let _ = fs::write(dir.join("content.txt"), "text");
}

/// Ends the program on an error that no stranger can bring about.
fn tolerate(kind: ErrorKind, message: &str) {
    let keepers = [ErrorKind::NotConnected, ErrorKind::TimedOut, ErrorKind::PermissionDenied];
    if keepers.contains(&kind) || message.contains("no reaper") || message.contains("journal") {
        eprintln!("churn: {message}");
        exit(3);
    }
}

fn text(payload: &dyn Any) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or_default()
}
