//! What the program is told of a cleanup or a child that failed, and the one observer that hears it.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crate::forever::OfProcess;
use crate::{Outcome, traced};

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A cleanup panicked.
    CleanupPanicked,
    /// A cleanup returned `Err`.
    CleanupFailed,
    /// An `async` cleanup was not done within its timeout, and was dropped.
    CleanupTimedOut,
    /// An `async` cleanup could not be brought to its end: nobody was left to poll it.
    CleanupAbandoned,
    /// A child of a scope panicked, and its panic is not the one that the scope resumes.
    ChildPanicked,
    /// The waker of a task panicked, which waits for a token, a scope, a child, or in `drain`. That task may
    /// never be polled again.
    WakerPanicked,
}

impl EventKind {
    /// Who, and what it did.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::CleanupPanicked => ("cleanup", "panicked"),
            Self::CleanupFailed => ("cleanup", "failed"),
            Self::CleanupTimedOut => ("cleanup", "timed out"),
            Self::CleanupAbandoned => ("cleanup", "was abandoned"),
            Self::ChildPanicked => ("child", "panicked"),
            Self::WakerPanicked => ("waker", "panicked"),
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (who, what) = self.words();
        write!(f, "{who} {what}")
    }
}

/// A cleanup, a child or a waker that failed: everything that is known of it where it happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Event {
    /// What went wrong.
    pub kind: EventKind,
    /// The cleanup's or the child's name. Of a [waker](EventKind::WakerPanicked), what its task waits for:
    /// `<token>`, `<deadline>`, `<scope>`, `<drain>`, or the name of a child.
    pub name: String,
    /// Where the cleanup was declared, the child was spawned, or the scope was made. Of a waker for a `<token>`,
    /// where that was cancelled; where nobody's code leads there, a place in backstop.
    pub location: &'static Location<'static>,
    /// How the guarded scope was left; of a child or a waker, its own outcome.
    pub outcome: Outcome,
    /// The panic's message, or the error as it displays itself.
    pub message: String,
    /// How long the cleanup had been running, where that was measured: for an `async` one that had begun,
    /// for any other with the feature `tracing` while a subscriber is set.
    pub elapsed: Option<Duration>,
    /// The thread that it happened on.
    pub thread: ThreadId,
    /// That thread's name, if it has one.
    pub thread_name: Option<String>,
}

impl Event {
    pub(crate) fn new(
        kind: EventKind,
        name: impl Into<String>,
        location: &'static Location<'static>,
        outcome: Outcome,
        message: String,
    ) -> Self {
        let current = thread::current();
        Self {
            kind,
            name: name.into(),
            location,
            outcome,
            message,
            elapsed: None,
            thread: current.id(),
            thread_name: current.name().map(str::to_owned),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, location, outcome, message, .. } = self;
        let (who, what) = self.kind.words();
        write!(f, "{who} `{name}` {what}")?;
        if !matches!(self.kind, EventKind::ChildPanicked | EventKind::WakerPanicked) {
            write!(f, " on {outcome}")?;
        }
        write!(f, " at {location}")?;
        match &self.thread_name {
            Some(thread) => write!(f, " in thread `{thread}`")?,
            None => write!(f, " in {:?}", self.thread)?,
        }
        // One line, whatever the message is: logs are read by the line.
        write!(f, ": {}", message.replace('\r', "\\r").replace('\n', "\\n"))
    }
}

type Observer = dyn Fn(&Event) + Send + Sync;

/// A forked child has none: another thread of its parent may hold the lock, or one of the observer's.
static OBSERVER: OfProcess<RwLock<Option<Arc<Observer>>>> = OfProcess::new();

fn place() -> &'static RwLock<Option<Arc<Observer>>> {
    let Ok(place) = OBSERVER.get_or_make(|| Ok::<_, Infallible>(RwLock::default()));
    place
}

/// Sets the process's one observer of what fails, in place of the one before.
///
/// Without an observer, each [`Event`] is one line on stderr. With the feature `tracing` it is an event of
/// level `ERROR` and target `backstop` instead, in the span that is current, with the fields `kind`, `name`,
/// `file`, `line`, `outcome`, `elapsed`, `thread` and the message; where no subscriber takes that, it is
/// the line. While the process is ending it is both, the line first: what a subscriber has not written by then may
/// be lost, and it may block, as in a lock that a thread holds that exits.
/// The process is ending, with the feature `process`, once a `main` under `#[backstop::main]` is over, or an
/// `async` one is dropped by force, and else from the exit hook on. Without that attribute, a cleanup that fails
/// after `main`'s own variables are gone, as those of tasks do while a runtime shuts down, is told to a
/// subscriber whose writer may be one of them: only an observer helps then, or that there is no subscriber,
/// and so the line.
///
/// A forked child has neither the observer nor the subscriber of its parent, in which another thread may
/// have held a lock that nobody lets go of in the child. It prints lines, or sets an observer of its own.
///
/// The observer runs on the thread that
/// failed, possibly during an unwind: a panic of its own is contained and the event printed
/// instead.
///
/// # Examples
///
/// ```
/// backstop::set_observer(|event| eprintln!("ALERT {event}"));
/// ```
pub fn set_observer(observer: impl Fn(&Event) + Send + Sync + 'static) {
    let previous =
        place().write().unwrap_or_else(PoisonError::into_inner).replace(Arc::new(observer));
    // Dropped here, after the lock: its destructor is the user's code.
    drop(previous);
}

/// Tells the observer, or where there is none the subscriber or stderr. Never panics, never holds a lock while the
/// observer runs, so that an observer may itself run cleanups or be replaced.
#[cold]
pub(crate) fn emit(event: &Event) {
    let observer = place().read().unwrap_or_else(PoisonError::into_inner).clone();
    let seen = match observer {
        // Its writer may end with `main`, before the process does; or it blocks, in a lock of a thread
        // that exits from within.
        None if is_ending() => {
            print(event);
            traced::emit(event);
            true
        }
        None => traced::emit(event),
        // Moved in: the last handle on a replaced observer may be dropped here.
        Some(observer) => match catch_unwind(AssertUnwindSafe(move || observer(event))) {
            Ok(()) => true,
            Err(payload) => {
                discard(payload);
                false
            }
        },
    };
    if !seen {
        print(event);
    }
}

fn print(event: &Event) {
    // `eprintln!` panics where stderr is closed; there is nobody left to tell then.
    let _ = writeln!(io::stderr(), "backstop: {event}");
}

/// Whether the process is ending, as far as anybody knows.
fn is_ending() -> bool {
    #[cfg(all(feature = "process", unix))]
    let is_ending = crate::ladder::shutdown::is_main_over() || crate::ladder::exit::is_ending();
    #[cfg(not(all(feature = "process", unix)))]
    let is_ending = false;
    is_ending
}

/// The message of a panic, as the standard library's hook would print it.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    if let Some(message) = payload.downcast_ref::<&'static str>() {
        (*message).to_owned()
    } else if let Some(message) = payload.downcast_ref::<String>() {
        message.clone()
    } else {
        "Box<dyn Any>".to_owned()
    }
}

#[cfg(all(feature = "process", unix))]
pub(crate) use crate::ladder::shutdown::is_exit;

/// Whether a payload is that of `backstop::exit`: it is no panic to be told of.
#[cfg(not(all(feature = "process", unix)))]
pub(crate) fn is_exit(_: &(dyn Any + Send)) -> bool {
    false
}

/// Drops a payload whose own destructor may panic, which would escape the containment around it.
pub(crate) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // A destructor that panics with a payload that panics: nobody can drop that one.
        std::mem::forget(second);
    }
}
