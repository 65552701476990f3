//! The process of one cell, from inside.
//!
//! It is told by its environment which cell it is: a reaper, which is this program started again,
//! inherits that, and gets through the same annotated `main`.

use std::env;
use std::fs;
use std::io;
use std::panic;
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, OnceLock};
use std::thread;

use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
use tokio::runtime::Builder;

use super::columns::{Column, Leave, hold};
use super::ends::Failed;
use super::place::Cell;
use super::row::{Holder, Main, Second};
use super::{Row, mains, raw, world};

/// The directory of the cell: processes that have this are the cell's.
pub(super) const MARK: &str = "BACKSTOP_SURVIVE_CELL";
/// Set where the program was started again, and only looks for what the start before has left.
pub(super) const AGAIN: &str = "BACKSTOP_SURVIVE_AGAIN";
/// Set by the row `exec`: the code to exit with.
pub(super) const EXECED: &str = "BACKSTOP_SURVIVE_EXECED";

/// What a process says when it holds a resource.
pub(super) const READY: &str = "ready";
/// What it says before the outcome that a cleanup was told.
pub(super) const TOLD: &str = "told";
/// What it says when it has removed that.
pub(super) const GONE: &str = "gone";

/// The exit code of a process that could not do its part.
const FAILED: u8 = 99;

/// The process of one cell.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) row: &'static Row,
    pub(super) column: Column,
    cell: Cell,
    /// How many resources were made.
    made: AtomicUsize,
    /// Where `main` and the thread that holds the resource meet.
    meeting: Barrier,
}

static STAGE: OnceLock<Stage> = OnceLock::new();

/// Plays the part of a cell's process, if this is one: to be called first in `main`.
pub(super) fn child() -> Option<ExitCode> {
    let directory = PathBuf::from(env::var_os(MARK)?);
    if let Some(code) = env::var_os(EXECED) {
        process::exit(code.to_str().and_then(|code| code.parse().ok()).unwrap_or(FAILED.into()));
    }
    let stage = world::enter().and_then(|entered| match entered {
        world::Entered::Yes => Stage::of(directory).map(Ok),
        world::Entered::Supervises(code) => Ok(Err(code)),
    });
    // By default, a second panic prints a backtrace, which takes longer than all the rest.
    panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    match stage {
        Ok(Ok(stage)) => Some(STAGE.get_or_init(|| stage).main()),
        Ok(Err(code)) => Some(code),
        Err(error) => Some(fail(&error)),
    }
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("the process of this cell failed: {error}");
    ExitCode::from(FAILED)
}

/// The rest of `main`, annotated or not.
pub(super) fn play() -> ExitCode {
    begin().map_or_else(|code| code, |stage| code_of(stage.play()))
}

/// The rest of an `async` one, which brings its runtime.
pub(super) async fn play_in_runtime() -> ExitCode {
    match begin() {
        Ok(stage) => code_of(stage.play_tasks().await),
        Err(code) => code,
    }
}

/// The process of this cell, unless there is nothing to play.
fn begin() -> Result<&'static Stage, ExitCode> {
    // Whoever runs the matrix may be killed. (A daemon waits for its stdin, which ends then, too.) Not
    // earlier: a reaper does not get here.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| fail(&error))?;
    match STAGE.get() {
        // Who comes here again only had to get through the annotated `main`.
        Some(_) if env::var_os(AGAIN).is_some() => Err(ExitCode::SUCCESS),
        Some(stage) => Ok(stage),
        None => Err(ExitCode::from(FAILED)),
    }
}

fn code_of(played: Result<(), Failed>) -> ExitCode {
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::AsItShould) => ExitCode::FAILURE,
        Err(error) => fail(&error),
    }
}

impl Stage {
    fn of(directory: PathBuf) -> io::Result<Self> {
        // A core dump takes time, and nobody reads it. 1 and not 0: with 0 it is still piped to a
        // program that is set to receive it.
        let limit = Rlimit { current: Some(1), maximum: Some(1) };
        setrlimit(Resource::Core, limit)?;
        // They may be ignored where the matrix runs, under `nohup` for one.
        raw::restore_signals();
        let cell = Cell::at(directory);
        let (row, column) = cell.names().ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self { row, column, cell, made: AtomicUsize::new(0), meeting: Barrier::new(2) })
    }

    /// Through the `main` that this cell has.
    fn main(&self) -> ExitCode {
        let rung = match (self.row.main, self.column) {
            (Main::Annotated, column) => column.max(Column::Exit),
            (_, column) => column,
        };
        mains::of(rung, self.row.main == Main::Patient)()
    }

    fn play(&'static self) -> Result<(), Failed> {
        if self.row.tasks.is_some() {
            let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
            // And drops it, which drops all tasks.
            return runtime.block_on(self.play_tasks());
        }
        match self.row.holder {
            Holder::Main => hold(self),
            Holder::Twice => hold(self).and_then(|()| hold(self)),
            Holder::Joined => {
                // Its panic is what the row is about.
                let _ = thread::spawn(move || hold(self)).join();
                Ok(())
            }
            Holder::Detached => {
                thread::spawn(move || hold(self));
                self.meeting.wait();
                Ok(())
            }
        }
    }

    async fn play_tasks(&'static self) -> Result<(), Failed> {
        match self.row.tasks {
            Some(course) => course(self).await,
            None => Err(io::Error::other("this row is not one of tasks").into()),
        }
    }

    /// Makes the resource: a directory with a file in it.
    pub(super) fn make(&self) -> io::Result<PathBuf> {
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        let directory = self.cell.resources().join(format!("scratch-{number}"));
        fs::create_dir(&directory)?;
        fs::write(directory.join("draft"), "half a sentence")?;
        Ok(directory)
    }

    /// Whether this is the first resource.
    pub(super) fn is_first(&self) -> bool {
        self.made.load(Ordering::Relaxed) == 1
    }

    /// The row's own part, once the resource is held.
    pub(super) fn end(&'static self) -> Result<Leave, Failed> {
        say(READY)?;
        if self.row.holder == Holder::Detached {
            self.meeting.wait();
        }
        (self.row.end)(self)
    }

    /// The cleanup that runs before that of the resource.
    pub(super) fn second(&self) {
        match self.row.second {
            Second::Nothing => {}
            Second::Panics => panic!("a cleanup panics"),
            Second::Hangs => {
                let _ = say("hanging");
                loop {
                    thread::park();
                }
            }
        }
    }

    /// The cleanup that runs after that of the resource, and sees whether this process has run that:
    /// a reaper begins only after its end.
    pub(super) fn witness(&self) {
        let word = if self.cell.left().is_empty() { GONE } else { "there" };
        // Who waits outside may be gone, too.
        let _ = say(word);
    }
}

/// Tells who waits outside, in one write: whatever ends the process, the line is whole.
pub(super) fn say(word: &str) -> io::Result<()> {
    let line = format!("{word}\n");
    rustix::io::write(rustix::stdio::stdout(), line.as_bytes())?;
    Ok(())
}

/// Tells as what a cleanup takes the end of its function.
pub(super) fn tell(outcome: &str) {
    // Who waits outside may be gone, too.
    let _ = say(&format!("{TOLD} {outcome}"));
}

/// Waits until the other side closes the channel.
pub(super) fn await_leave_to_go_on() {
    let mut byte = [0];
    while let Ok(1..) | Err(rustix::io::Errno::INTR) =
        rustix::io::read(rustix::stdio::stdin(), &mut byte)
    {}
}
