//! The handle on a child.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::thread::{self, Thread};

use super::child::{Packet, Slot};
use super::children::{Children, Join};
use super::place;
use super::shared::Site;

/// The handle on a child of a scope.
///
/// To drop or forget it changes nothing: the scope waits for the child, and hears of its panic.
pub struct ScopedJoinHandle<'scope, T> {
    claim: Claim<thread::ScopedJoinHandle<'scope, ()>, T>,
}

impl<'scope, T> ScopedJoinHandle<'scope, T> {
    pub(super) fn new(claim: Claim<thread::ScopedJoinHandle<'scope, ()>, T>) -> Self {
        Self { claim }
    }

    /// Waits for the child to end, its thread-local destructors included, and returns its result.
    ///
    /// A child of a scope with a [limit](super::Options::limit) gives up its place while it waits.
    ///
    /// # Errors
    ///
    /// The payload of the child's panic. It is the caller's from then on: the scope neither resumes
    /// nor reports it.
    ///
    /// # Panics
    ///
    /// If a child joins itself.
    ///
    /// # Examples
    ///
    /// ```
    /// backstop::scope(|s| {
    ///     let child = s.spawn(|| -> u32 { panic!("handled by whoever joins") });
    ///     assert!(child.join().is_err());
    /// });
    /// ```
    pub fn join(self) -> thread::Result<T> {
        assert!(self.thread().id() != thread::current().id(), "a child of a scope joined itself");
        self.claim.join()
    }

    /// The child's thread, to [unpark](Thread::unpark) it or ask for its name.
    #[must_use]
    pub fn thread(&self) -> &Thread {
        &self.claim.thread
    }

    /// Whether the child's closure has ended. If so, [`join`](Self::join) waits for thread-local
    /// destructors at most.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !self.claim.packet.is_running()
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").field("thread", self.thread()).finish_non_exhaustive()
    }
}

/// What a handle has on its child.
pub(super) struct Claim<J: Join, T> {
    children: Arc<Children<J>>,
    id: u64,
    location: &'static Location<'static>,
    packet: Arc<Packet<T>>,
    thread: Thread,
}

impl<J: Join, T> Claim<J, T> {
    pub(super) fn new(
        children: &Arc<Children<J>>,
        id: u64,
        location: &'static Location<'static>,
        packet: Arc<Packet<T>>,
        thread: &Thread,
    ) -> Self {
        Self { children: Arc::clone(children), id, location, packet, thread: thread.clone() }
    }

    pub(super) fn join(self) -> thread::Result<T> {
        // Who need not wait need not queue for a place again either.
        let lent = if self.packet.is_running() { place::lend() } else { None };
        self.children.join(self.id);
        drop(lent);
        match self.packet.replace(Slot::Gone) {
            Slot::Returned(value) => Ok(value),
            Slot::Running | Slot::Panicked | Slot::Gone => {
                let payload = self.children.shared().take_panic(self.id);
                Err(payload.unwrap_or_else(|| Box::new("the thread was ended from outside")))
            }
        }
    }
}

impl<J: Join, T> Drop for Claim<J, T> {
    fn drop(&mut self) {
        match self.packet.replace(Slot::Gone) {
            Slot::Running | Slot::Gone => {}
            Slot::Panicked => self.children.shared().settle(self.id),
            Slot::Returned(value) => {
                let site = Site::child(self.id, self.location);
                self.children.shared().drop_result(site, &self.thread, value);
            }
        }
    }
}
