//! The rungs above the guard, and who keeps a registration on each.

use std::fmt;
use std::io;

use super::keeper::Keeper;
use super::root::Root;
#[cfg(target_os = "linux")]
use super::{journal, reaper};

/// Which way of dying a cleanup outlives. Each includes the ones before it.
///
/// Needs the feature `process`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Survives {
    /// `process::exit`, SIGTERM, `abort`, and whatever else this process does itself: by its exit
    /// hook.
    Exit,
    /// `kill -9`, `_exit`, SIGSEGV: by the reaper, which has to run.
    Kill,
    /// Power loss, and the reaper's own death: by the next start, from the journal, which has to be
    /// open; sooner by the reaper, if one runs.
    Reboot,
}

/// As in `survives = ..`.
impl fmt::Display for Survives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exit => "exit",
            Self::Kill => "kill",
            Self::Reboot => "reboot",
        })
    }
}

/// Elsewhere nobody keeps anything; the macros refuse these rungs there.
#[cfg(not(target_os = "linux"))]
mod nobody {
    use super::Keeper;

    pub(super) fn keeper() -> Option<&'static dyn Keeper> {
        None
    }

    pub(super) fn permit_paths(_: super::Root) -> super::io::Result<()> {
        Ok(())
    }
}
#[cfg(not(target_os = "linux"))]
use self::{nobody as journal, nobody as reaper};

/// The keepers of one registration, the nearest first.
pub(crate) struct Keepers {
    keepers: [Option<&'static dyn Keeper>; 2],
    /// What paths begin with where it is made.
    pub(super) root: Root,
}

impl Keepers {
    /// Those that a rung needs.
    ///
    /// # Errors
    ///
    /// If one of them is not there.
    pub(crate) fn of(rung: Survives) -> io::Result<Self> {
        let missing = |what| move || io::Error::new(io::ErrorKind::NotConnected, what);
        let root = Root::current();
        let keepers = match rung {
            Survives::Exit => [None, None],
            Survives::Kill => [Some(reaper_for_paths(root)?.ok_or_else(missing(NO_REAPER))?), None],
            Survives::Reboot => {
                [reaper_for_paths(root)?, Some(journal::keeper().ok_or_else(missing(NO_JOURNAL))?)]
            }
        };
        Ok(Self { keepers, root })
    }

    /// None: what this process holds alone.
    pub(crate) fn nobody() -> Self {
        Self { keepers: [None, None], root: Root::current() }
    }

    /// The reaper, if one runs, for what has no path.
    pub(crate) fn reaper() -> Self {
        Self { keepers: [reaper::keeper(), None], root: Root::unknown() }
    }

    /// One after the other, until one fails.
    pub(crate) fn each(&self, step: impl Fn(&dyn Keeper) -> io::Result<()>) -> io::Result<()> {
        self.keepers.iter().flatten().try_for_each(|keeper| step(*keeper))
    }

    /// All, also those behind one that fails; the first error.
    pub(crate) fn all(&self, step: impl Fn(&dyn Keeper) -> io::Result<()>) -> io::Result<()> {
        self.keepers.iter().flatten().map(|keeper| step(*keeper)).fold(Ok(()), Result::and)
    }
}

/// The reaper, if one runs; an error if it has another root directory than this.
fn reaper_for_paths(root: Root) -> io::Result<Option<&'static dyn Keeper>> {
    let reaper = reaper::keeper();
    if reaper.is_some() {
        reaper::permit_paths(root)?;
    }
    Ok(reaper)
}

const NO_REAPER: &str = "no reaper is running: write `#[backstop::main(reaper)]`, or call \
                         `backstop::reaper::start()` first";
const NO_JOURNAL: &str = "no journal is open: write `#[backstop::main(journal)]`, or call \
                          `backstop::journal::open()` first";
