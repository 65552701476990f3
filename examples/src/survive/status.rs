//! How a process ended.

use std::fmt::{Display, Formatter, Result};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use rustix::process::Signal;

use super::signals;

/// How a process ended, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// It exited with this code.
    Exit(i32),
    /// This signal killed it.
    Killed(Signal),
}

impl Status {
    pub(super) fn of(status: ExitStatus) -> Option<Self> {
        let signal = status.signal().and_then(Signal::from_named_raw);
        status.code().map(Self::Exit).or(signal.map(Self::Killed))
    }
}

impl Display for Status {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Exit(code) => write!(f, "exit {code}"),
            Self::Killed(signal) => f.write_str(signals::name(*signal)),
        }
    }
}

/// How the processes of a row end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statuses {
    /// Where the cleanup is none of backstop's.
    pub(super) without: Status,
    /// Where it is.
    pub(super) with: Status,
}

/// The same in every column.
pub(super) const fn always(status: Status) -> Statuses {
    without_and_with(status, status)
}

/// One where the cleanup is none of backstop's, another where it is.
pub(super) const fn without_and_with(without: Status, with: Status) -> Statuses {
    Statuses { without, with }
}
