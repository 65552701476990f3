//! What expansions and the project's own tests and benchmarks reach of the exit hook.

use std::time::Duration;

use super::{Announced, Cleanup, Entry, announce, register, run_all, set_limit};
use crate::report::{CleanupValue, Ended};
use crate::site::Site;

/// A cleanup that is registered with the exit hook; dropping it withdraws the cleanup.
#[must_use = "dropping the entry withdraws the cleanup"]
pub struct ExitEntry(Entry);

/// Registers a cleanup with the exit hook.
#[inline]
pub fn exit_entry<C, R>(site: &'static Site, cleanup: C) -> ExitEntry
where
    C: FnOnce() -> R + Send + 'static,
    R: CleanupValue,
{
    ExitEntry(register(site, Cleanup::new(move || cleanup().ended())))
}

impl ExitEntry {
    /// Runs the cleanup on this thread, unless the hook has it already.
    #[must_use]
    pub fn run(self) -> Ended {
        self.0.run()
    }
}

/// An open announcement.
#[must_use = "an announcement ends when it is dropped"]
pub struct Announcement(pub(in crate::ladder) Announced);

/// Announces an entry, before what it cleans up is created.
#[inline]
pub fn announce_exit() -> Announcement {
    Announcement(announce())
}

impl Announcement {
    /// As [`exit_entry`].
    #[inline]
    pub fn exit_entry<C, R>(self, site: &'static Site, cleanup: C) -> ExitEntry
    where
        C: FnOnce() -> R + Send + 'static,
        R: CleanupValue,
    {
        ExitEntry(self.0.register(site, Cleanup::new(move || cleanup().ended())))
    }
}

/// Runs every cleanup as at the process's end; gives the number of those that ran, and the report of
/// those that did not end.
#[must_use]
pub fn run_exit(limit: Duration) -> (usize, String) {
    let report = run_all(limit);
    (report.ran, report.to_string())
}

/// Sets the time for all cleanups together, when the process exits, aborts or gets a signal.
pub fn set_exit_limit(limit: Duration) {
    set_limit(limit);
}
