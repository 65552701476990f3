//! What can be done for a process that is gone.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A cleanup as data: it can be performed by another process.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action(Vec<u8>);

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "remove_file({:?})", OsStr::from_bytes(&self.0))
    }
}

impl Action {
    /// Removes a file.
    pub fn remove_file(path: impl AsRef<Path>) -> Self {
        Self(path.as_ref().as_os_str().as_bytes().to_owned())
    }

    /// Makes the paths absolute, before the thing itself need exist: the intent.
    pub(crate) fn prepare(self) -> io::Result<Prepared> {
        Ok(Prepared(Self(
            std::path::absolute(OsStr::from_bytes(&self.0))?.into_os_string().into_vec(),
        )))
    }
}

/// An action that can be handed to another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Prepared(Action);

/// How an action ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Performed {
    /// It was done.
    Done,
    /// There was nothing left to do.
    Gone,
    /// It is not surely ours, for this reason.
    LeftAlone(String),
}

impl Prepared {
    /// Notes the identity of the thing, which exists now.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "stands in for the action")]
    pub(crate) fn commit(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Does it. May be called again after any interruption.
    pub(crate) fn perform(&self) -> io::Result<Performed> {
        match std::fs::remove_file(OsStr::from_bytes(&self.0.0)) {
            Ok(()) => Ok(Performed::Done),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Performed::Gone),
            Err(e) => Err(e),
        }
    }

    /// The absolute path that it is about; `None` for a process or a command.
    #[allow(clippy::unnecessary_wraps, reason = "a command has no path")]
    pub(crate) fn path(&self) -> Option<&Path> {
        Some(Path::new(OsStr::from_bytes(&self.0.0)))
    }

    /// Whether it still means the same once the system has started anew, or in another pid
    /// namespace: a process does not, nor does a command that is not marked for it.
    pub(crate) fn replays(&self) -> bool {
        self.path().is_some()
    }
}
