//! The journal without the attribute, for this repository's own tests and benches.
#![allow(clippy::missing_errors_doc, reason = "not public API")]

use std::io;
use std::path::Path;

use super::owner::Owner;
use super::place::Place;
use super::{Recovery, replay};
use crate::Action;
use crate::ladder::action::Prepared;
use crate::ladder::action::encoding::Encoded;
use crate::ladder::keeper::Keeper;

/// Replays what is in `directory`, and opens this process's journal there.
pub fn open(directory: Option<&Path>) -> io::Result<Recovery> {
    super::open_for_main(directory)
}

/// Replays what is in `directory`.
pub fn recover_in(directory: &Path) -> io::Result<Recovery> {
    super::recover_in(Some(directory))
}

/// As [`recover_in`], were the system started anew meanwhile.
pub fn recover_after_restart_in(directory: &Path) -> io::Result<Recovery> {
    replay::replay(&Place::open(Some(directory), false)?, &Owner::current().after_a_restart())
}

/// A registration with the journal only.
#[derive(Debug)]
pub struct Registration {
    key: u64,
    action: Encoded,
}

fn keeper() -> io::Result<&'static dyn Keeper> {
    super::keeper().ok_or_else(|| io::Error::other("the journal is not open"))
}

impl Registration {
    /// Before the thing is created.
    pub fn intend(key: u64, action: Action) -> io::Result<Self> {
        let action = Encoded::new(action.prepare()?)?;
        keeper()?.intend(key, &action)?;
        Ok(Self { key, action })
    }

    /// After it was created.
    pub fn commit(&mut self) -> io::Result<()> {
        self.action.update(Prepared::commit)?;
        keeper()?.commit(self.key, &self.action)
    }

    /// It is not to be cleaned up any more.
    pub fn forget(self) -> io::Result<()> {
        keeper()?.forget(self.key)
    }
}
