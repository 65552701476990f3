//! An action that has what it needs to be performed by another process.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::deadline::Deadline;
use super::open::Opener;
use super::place::quoted;
use super::process::Kill;
use super::program::Program;
use super::remove::Removal;

/// An action that can be handed to another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Prepared {
    pub(super) what: Ready,
    pub(super) timeout: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ready {
    Remove(Removal),
    Kill(Kill),
    Run { program: Program, committed: bool },
}

/// How an action ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Performed {
    /// It was done.
    Done,
    /// There was nothing left to do.
    Gone,
    /// It is not surely ours, for this reason, which names the thing.
    LeftAlone(String),
    /// It may well be there, but what it is on is not mounted now, or something is mounted over that.
    Hidden(String),
}

impl Prepared {
    /// What is found here and now is meant: as good as committed.
    pub(super) fn here_and_now(mut self) -> Self {
        match self.what {
            Ready::Remove(removal) => self.what = Ready::Remove(removal.here_and_now()),
            Ready::Run { ref mut committed, .. } => *committed = true,
            Ready::Kill(_) => {}
        }
        self
    }

    /// The thing's name is 128 random bits of ours, and it is created exclusively: what has the name
    /// is removed, identified or not, but for what is not empty. That is not ours: what is ours is
    /// committed before anybody writes to it.
    pub(crate) fn ours(mut self) -> Self {
        if let Ready::Remove(removal) = self.what {
            self.what = Ready::Remove(removal.by_name());
        }
        self
    }

    /// The thing is created under a random name of ours beside its own, which [`reveal`](Self::reveal)
    /// gives it once it is committed.
    pub(crate) fn born_hidden(mut self) -> Self {
        if let Ready::Remove(removal) = self.what {
            self.what = Ready::Remove(removal.born_buried());
        }
        self
    }

    /// Where the thing is to be created: the directory, and the name that it has at first.
    pub(crate) fn cradle(&self) -> io::Result<(OwnedFd, OsString)> {
        match &self.what {
            Ready::Remove(removal) => removal.cradle(),
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "there is nothing to create")),
        }
    }

    /// Gives what was [born hidden](Self::born_hidden) in `parent` its name, unless somebody has that;
    /// an error, too, if `parent` is not the directory any more that the path leads to.
    pub(crate) fn reveal(&self, parent: BorrowedFd<'_>) -> io::Result<()> {
        match &self.what {
            Ready::Remove(removal) => removal.reveal(parent),
            _ => Ok(()),
        }
    }

    /// Notes the identity of the thing, which exists now, by its path.
    pub(crate) fn commit(&mut self) -> io::Result<()> {
        match &mut self.what {
            Ready::Remove(removal) => removal.commit(),
            // Its identity was noted when the action was made.
            Ready::Kill(_) => Ok(()),
            Ready::Run { committed, .. } => {
                *committed = true;
                Ok(())
            }
        }
    }

    /// Notes the identity of the thing by a descriptor of it, whatever has its name by now. A
    /// listening socket's is not the file's that it is bound to.
    pub(crate) fn commit_fd(&mut self, fd: BorrowedFd<'_>) -> io::Result<()> {
        match &mut self.what {
            Ready::Remove(removal) => removal.commit_fd(fd),
            _ => self.commit(),
        }
    }

    /// Whether there may be something already that has the thing's name.
    pub(crate) fn may_be_there(&self) -> bool {
        match &self.what {
            Ready::Remove(removal) => removal.may_be_there(),
            Ready::Kill(_) | Ready::Run { .. } => false,
        }
    }

    /// Whether the identity was noted.
    pub(crate) fn is_committed(&self) -> bool {
        match &self.what {
            Ready::Remove(removal) => removal.is_committed(),
            Ready::Kill(_) => true,
            Ready::Run { committed, .. } => *committed,
        }
    }

    /// The absolute path that it is about; `None` for a process or a command.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        match &self.what {
            Ready::Remove(removal) => Some(removal.place().path()),
            Ready::Kill(_) | Ready::Run { .. } => None,
        }
    }

    /// Whether it still means something once the system has started anew, or in another pid
    /// namespace: a process does not, nor does a command that is not marked for it.
    pub(crate) fn replays(&self) -> bool {
        match &self.what {
            Ready::Remove(_) => true,
            Ready::Kill(_) => false,
            Ready::Run { program, .. } => program.after_reboot,
        }
    }

    /// Whether its bytes are all that another process needs.
    #[cfg(target_os = "linux")]
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.what, Ready::Remove(_))
    }

    /// Whether it runs a program.
    #[cfg(target_os = "linux")]
    pub(crate) fn is_program(&self) -> bool {
        matches!(self.what, Ready::Run { .. })
    }

    /// A descriptor of the process whose group it is about, for who performs it when that process
    /// may be gone and its number be another one's.
    pub(crate) fn leader(&self) -> Option<OwnedFd> {
        match &self.what {
            Ready::Kill(kill) => kill.leader(),
            _ => None,
        }
    }

    /// Removes what was created in `parent`, wherever that is by now.
    pub(crate) fn perform_in(&self, parent: BorrowedFd<'_>) -> io::Result<Performed> {
        match &self.what {
            Ready::Remove(removal) => {
                removal.perform_in(parent, Opener::new(), Deadline::after(self.timeout))
            }
            _ => self.perform(),
        }
    }

    /// Does it. May be called again after any interruption, and by several at once.
    pub(crate) fn perform(&self) -> io::Result<Performed> {
        self.perform_with(None)
    }

    /// The same, with its [`leader`](Self::leader), if that is known.
    pub(crate) fn perform_with(&self, leader: Option<BorrowedFd<'_>>) -> io::Result<Performed> {
        self.perform_until(leader, Deadline::after(self.timeout))
    }

    /// The same within `limit`, if that is less than its own timeout.
    pub(crate) fn perform_within(&self, limit: Duration) -> io::Result<Performed> {
        self.perform_until(None, Deadline::after(self.timeout).at_most(limit))
    }

    fn perform_until(
        &self,
        leader: Option<BorrowedFd<'_>>,
        deadline: Deadline,
    ) -> io::Result<Performed> {
        match &self.what {
            Ready::Remove(removal) => removal.perform(deadline),
            Ready::Kill(kill) => kill.perform(leader, deadline),
            Ready::Run { program, committed: true } => program.perform(deadline),
            Ready::Run { program, committed: false } => Ok(Performed::LeftAlone(format!(
                "{program} is not run: it was announced, but the process ended before it said that \
                 there is something to clean up"
            ))),
        }
    }
}

/// For reports: what it does, on one line.
impl fmt::Display for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            Ready::Remove(removal) => {
                write!(f, "remove {} {}", removal.thing().word(), quoted(&removal.place().path()))
            }
            Ready::Kill(kill) => write!(f, "end {kill}"),
            Ready::Run { program, .. } => write!(f, "run {program}"),
        }
    }
}
