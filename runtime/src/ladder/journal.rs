//! The journal: registrations on disk, replayed by the next start.

use super::keeper::Keeper;

/// The open journal, if there is one.
pub(crate) fn keeper() -> Option<&'static dyn Keeper> {
    None
}
