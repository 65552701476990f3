//! The reaper: a process beside this one that performs what a killed one left.

use super::keeper::Keeper;

/// The running reaper, if there is one.
pub(crate) fn keeper() -> Option<&'static dyn Keeper> {
    None
}
