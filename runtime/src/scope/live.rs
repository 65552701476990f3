//! The children that are running, of all scopes, for the report of what did not end.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Instant;

/// A running child.
#[derive(Clone)]
pub(crate) struct Live {
    /// The system's number of the thread, where it has one.
    pub(crate) id: u32,
    pub(crate) thread: Thread,
    pub(crate) location: &'static Location<'static>,
    pub(crate) since: Instant,
}

static CHILDREN: Mutex<BTreeMap<u64, Live>> = Mutex::new(BTreeMap::new());

/// The thread is a child until this is dropped.
pub(super) struct Entered(u64);

/// Lists the thread as a child that was spawned at `location`.
pub(super) fn enter(location: &'static Location<'static>) -> Entered {
    let live = Live { id: id(), thread: thread::current(), location, since: Instant::now() };
    let mut children = lock();
    let key = children.last_key_value().map_or(0, |(key, _)| key + 1);
    children.insert(key, live);
    Entered(key)
}

impl Drop for Entered {
    fn drop(&mut self) {
        let ended = lock().remove(&self.0);
        drop(ended);
    }
}

/// The children that are running now, in the order in which they began.
pub(crate) fn children() -> Vec<Live> {
    lock().values().cloned().collect()
}

#[cfg(target_os = "linux")]
fn id() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs()
}

#[cfg(not(target_os = "linux"))]
fn id() -> u32 {
    0
}

/// Held over none of the user's code, so never poisoned; `into_inner` for form's sake.
fn lock() -> MutexGuard<'static, BTreeMap<u64, Live>> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}
