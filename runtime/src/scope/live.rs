//! The children that are running, of all scopes, for the report of what did not end.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::panic::Location;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Instant;

use crate::forever::OfProcess;

/// A running child.
#[derive(Clone)]
pub(crate) struct Live {
    /// The system's number of the thread, where it has one.
    pub(crate) id: u32,
    pub(crate) thread: Thread,
    pub(crate) location: &'static Location<'static>,
    pub(crate) since: Instant,
}

type Children = Mutex<BTreeMap<u64, Live>>;

/// A forked child has none of its parent's, and not the thread that may hold the lock.
static CHILDREN: OfProcess<Children> = OfProcess::new();

/// The thread is a child until this is dropped.
pub(super) struct Entered {
    of: &'static Children,
    key: u64,
}

/// Lists the thread as a child that was spawned at `location`.
pub(super) fn enter(location: &'static Location<'static>) -> Entered {
    let live = Live { id: id(), thread: thread::current(), location, since: Instant::now() };
    let of = of_process();
    let mut children = lock(of);
    let key = children.last_key_value().map_or(0, |(key, _)| key + 1);
    children.insert(key, live);
    Entered { of, key }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // Else the thread is the one that forked.
        if ptr::eq(self.of, of_process()) {
            let ended = lock(self.of).remove(&self.key);
            drop(ended);
        }
    }
}

/// The children that are running now, in the order in which they began.
pub(crate) fn children() -> Vec<Live> {
    lock(of_process()).values().cloned().collect()
}

#[cfg(target_os = "linux")]
fn id() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs()
}

#[cfg(not(target_os = "linux"))]
fn id() -> u32 {
    0
}

fn of_process() -> &'static Children {
    let Ok(children) = CHILDREN.get_or_make(|| Ok::<_, Infallible>(Children::default()));
    children
}

/// Held over none of the user's code, so never poisoned; `into_inner` for form's sake.
fn lock(children: &Children) -> MutexGuard<'_, BTreeMap<u64, Live>> {
    children.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(unsafe_code, reason = "`fork` has no safe form")]

    use super::*;

    #[test]
    fn a_forked_child_does_not_wait_for_a_lock_of_its_parent() {
        let here = Location::caller();
        let entered = enter(here);
        let locked = lock(of_process());
        // SAFETY: the child takes no lock but the allocator's, which the C library sees to, and this
        // module's.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: it takes no pointer.
            unsafe { libc::alarm(60) };
            let own = enter(here);
            drop(entered);
            let listed = children().len();
            drop(own);
            let is_right = (listed, children().len()) == (1, 0);
            // SAFETY: nothing is to be done at the end of the child.
            unsafe { libc::_exit(i32::from(!is_right)) };
        }
        drop(locked);
        let mut status = 0;
        // SAFETY: `status` is valid for the call.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0);
        assert!(children().iter().any(|child| child.location == here));
        drop(entered);
    }
}
