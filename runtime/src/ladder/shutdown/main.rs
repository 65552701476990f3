//! What `#[backstop::main]` puts around the body of `main`.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{self, ExitCode, Termination};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use super::beside;
use super::exit::is_exit;
use super::signals::{self, Held, Waker};
use super::status::{self, PANICKED};
use super::supervisor;
use crate::cancel::{self, CancelToken};
use crate::event;
use crate::ladder::exit;

/// The options of `#[backstop::main]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// From the first signal, or [`exit`](fn@super::exit), until the end is forced.
    pub(crate) grace: Duration,
    /// Whether a reaper runs beside the program.
    pub(crate) reaper: bool,
    /// The journal's directory, if there is a journal; empty for the program's default one.
    pub(crate) journal: Option<&'static str>,
}

static PROGRAM: OnceLock<Program> = OnceLock::new();

/// A program under `#[backstop::main]`.
pub(super) struct Program {
    /// A forked child has a copy of this, and no supervisor.
    pid: u32,
    pub(super) root: CancelToken,
    pub(super) grace: Duration,
    pub(super) waker: Waker,
    /// Runs the exit cleanups, within a time, and gives those that did not end.
    pub(super) run_exit_cleanups: fn(Duration) -> Vec<String>,
    course: AtomicU8,
}

/// `main` runs.
const RUNNING: u8 = 0;
/// `main` has returned or panicked before its end was forced: it says with which status.
const ENDED: u8 = 1;
/// The supervisor has begun to force the end: it says with which status.
const FORCED: u8 = 2;

/// What became of the body of `main`, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[cfg_attr(not(feature = "tokio"), allow(dead_code, reason = "an `async` one can be dropped"))]
pub(super) enum Body {
    Running,
    /// It is over, or about to be dropped: what belongs to it may be gone, as the writer of its logs.
    Leaving,
    /// It returned or panicked.
    Ended,
    /// It was dropped before it had ended.
    Dropped,
}

static BODY: AtomicU8 = AtomicU8::new(Body::Running as u8);

impl Body {
    pub(super) fn now() -> Self {
        let now = BODY.load(Ordering::Acquire);
        let all = [Self::Dropped, Self::Ended, Self::Leaving];
        all.into_iter().find(|body| *body as u8 == now).unwrap_or(Self::Running)
    }

    /// The body of `main` has come to this, if not further.
    pub(super) fn has_come_to(self) {
        BODY.fetch_max(self as u8, Ordering::AcqRel);
    }
}

/// Whether the body of `main` is over, or about to be dropped. What belongs to it, as the writer of its logs
/// may, is gone from then on, while tasks and threads may be yet to end.
pub(crate) fn is_main_over() -> bool {
    Body::now() != Body::Running
}

thread_local! {
    /// Whether the thread is the one of `main`, after the body. No destructor, so that it is there
    /// until the very end.
    static AFTER_MAIN: Cell<bool> = const { Cell::new(false) };
}

impl Program {
    /// The program of this process; `None` without `#[backstop::main]`.
    pub(super) fn get() -> Option<&'static Self> {
        PROGRAM.get()
    }

    /// Whether this process is the one that `main` was started in, and not a forked child.
    pub(super) fn is_ours(&self) -> bool {
        process::id() == self.pid
    }

    pub(super) fn main_has_ended(&self) -> bool {
        self.course.load(Ordering::Acquire) == ENDED
    }

    /// From here on, the supervisor ends the process.
    pub(super) fn force(&self) {
        let _ = self.turn(FORCED);
    }

    /// `main` has ended by itself; blocks for good if its end is being forced.
    fn end(&self) {
        if !self.turn(ENDED) && self.is_ours() {
            loop {
                thread::park();
            }
        }
    }

    fn turn(&self, to: u8) -> bool {
        self.course.compare_exchange(RUNNING, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// Whether the thread is the one of `main`, after the body: nobody would catch an unwind there.
pub(super) fn is_after_main() -> bool {
    AFTER_MAIN.get()
}

/// Runs the body of `main` from the start to the exit status.
pub(crate) fn run<R: Termination>(options: Options, body: impl FnOnce() -> R) -> ExitCode {
    run_with(options, run_exit_cleanups, body)
}

/// Gives what did not end, a line each.
fn run_exit_cleanups(limit: Duration) -> Vec<String> {
    exit::run_all(limit).to_string().lines().map(str::to_owned).collect()
}

/// The same, with whoever runs the exit cleanups.
pub(super) fn run_with<R: Termination>(
    options: Options,
    run_exit_cleanups: fn(Duration) -> Vec<String>,
    body: impl FnOnce() -> R,
) -> ExitCode {
    if PROGRAM.get().is_some() {
        // Called by the program itself: `main` is a function like any other then.
        return body().report();
    }
    let begun = beside::before_anything(options)
        .and_then(|()| {
            start(options, run_exit_cleanups).map_err(|error| ("cannot handle signals", error))
        })
        .and_then(|program| beside::start(options).map(|()| program));
    let program = match begun {
        Ok(program) => program,
        Err((what, error)) => {
            use io::Write as _;
            let _ = writeln!(io::stderr(), "backstop: `main` does not begin: {what}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = {
        let _ambient = program.root.enter();
        catch_unwind(AssertUnwindSafe(|| body().report()))
    };
    Body::Ended.has_come_to();
    AFTER_MAIN.set(true);
    program.end();
    match (result, status::requested()) {
        (Ok(code), None) => code,
        (Ok(_), Some(requested)) => requested.into(),
        (Err(payload), Some(requested)) if is_exit(&*payload) => requested.into(),
        (Err(payload), Some(requested)) => {
            event::discard(payload);
            // A panic that nobody caught never reads as a success.
            if requested == 0 { PANICKED.into() } else { requested.into() }
        }
        // The standard library gives it its status; the panic hook has run.
        (Err(payload), None) => resume_unwind(payload),
    }
}

fn start(
    options: Options,
    run_exit_cleanups: fn(Duration) -> Vec<String>,
) -> io::Result<&'static Program> {
    #[cfg(feature = "tokio")]
    crate::scope::tasks::live::watch();
    let held = Held::new();
    let supervisor = supervisor::Starting::new(&held)?;
    let (signals, waker) = signals::take()?;
    let root = CancelToken::new();
    cancel::set_root(root.clone());
    let program = PROGRAM.get_or_init(|| Program {
        pid: process::id(),
        root,
        grace: options.grace,
        waker,
        run_exit_cleanups,
        course: AtomicU8::new(RUNNING),
    });
    supervisor.go(program, signals);
    Ok(program)
}
