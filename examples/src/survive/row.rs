//! What a way to end consists of.

use rustix::process::Signal;

use super::child::Stage;
use super::columns::Leave;
use super::status::Statuses;
use super::table::Table;
use super::tasks::Course;
use super::{Column, Status, ends};

/// A way to end.
#[derive(Debug)]
pub(super) struct Row {
    /// As on the command line.
    pub(super) name: &'static str,
    /// As in the documents, with code in backticks.
    pub(super) title: &'static str,
    /// What the process does in it.
    pub(super) about: &'static str,
    /// What a reader of the matrix has to know beyond that.
    pub(super) note: &'static str,
    /// The tables that it is a row of.
    pub(super) tables: &'static [Table],
    /// How the process ends.
    pub(super) status: Statuses,
    /// As what the function is left that holds the resource, where a table asks for it.
    pub(super) outcome: &'static str,
    /// Whether it takes longer than all others, by the deadlines of the exit cleanups.
    pub(super) is_slow: bool,
    /// The test of the compiler's that shows how it is refused, where it is.
    pub(super) refused: Option<&'static str>,
    pub(super) end: End,
    pub(super) holder: Holder,
    /// Of tasks, which `end` and `holder` are not about: what happens to the one that holds the resource.
    pub(super) tasks: Option<Course>,
    pub(super) second: Second,
    pub(super) main: Main,
    pub(super) place: Place,
    pub(super) build: Build,
    pub(super) steps: &'static [Step],
}

/// As what a function can be left.
pub(super) const OUTCOMES: [&str; 4] = ["success", "error", "unwind", "cancel"];

/// What the process does while it holds the resource.
pub(super) type End = fn(&'static Stage) -> Result<Leave, ends::Failed>;

/// Which thread holds the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// The main thread.
    Main,
    /// Another one, which `main` joins.
    Joined,
    /// Another one, which still runs when `main` returns.
    Detached,
    /// The main thread, in a function that is left twice.
    Twice,
}

/// What a second cleanup does, which runs before that of the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Second {
    Nothing,
    Panics,
    Hangs,
}

/// Whether `main` is annotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Main {
    /// From the column `exit` on.
    ByColumn,
    /// In each column: it is about a function that needs it.
    Annotated,
    /// As `ByColumn`, with a grace period longer than any cell may take.
    Patient,
}

/// Where the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Here,
    /// As process 1 of namespaces of its own.
    Container,
    /// In a control group of its own.
    ControlGroup,
}

/// Which build of the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Build {
    Usual,
    /// With `panic = "abort"`.
    Abort,
}

/// What is done to the process from outside, once it holds the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Waits until it says this, or ends.
    Await(&'static str),
    /// Sends it a signal, unless it has ended.
    Signal(Signal),
    /// Kills its process group.
    KillGroup,
    /// Kills it and every process that it started.
    KillAll,
    /// Stops every process that it started.
    StopOthers,
    /// Kills its control group.
    KillControlGroup,
    /// Looks for a while that the resource stays, and then lets it go on.
    MustStay,
    /// Waits until it has ended, while another process goes on.
    AwaitEnd,
}

impl Row {
    /// The title where code cannot be marked.
    pub(super) fn plain_title(&self) -> String {
        self.title.replace('`', "")
    }

    /// How the process ends under this kind of cleanup.
    #[must_use]
    pub(super) fn status(&self, column: Column) -> Status {
        if column.is_ours() { self.status.with } else { self.status.without }
    }

    /// Whether the compiler refuses it under this kind of cleanup.
    #[must_use]
    pub(super) fn is_refused(&self, column: Column) -> bool {
        self.refused.is_some() && column.is_ours()
    }
}
