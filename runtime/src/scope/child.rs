//! A child before it is spawned, and what its thread does.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, mem, thread};

use super::place::{self, Place};
use super::shared::{Shared, Site};
use super::{Scope, ScopedJoinHandle};

/// A child to be: made by [`Scope::child`], spawned by [`spawn`](Self::spawn).
///
/// # Examples
///
/// ```
/// use std::thread;
///
/// let name = backstop::scope(|s| {
///     let child = s.child().name("indexer").stack_size(64 * 1024);
///     child.spawn(|| thread::current().name().map(str::to_owned)).join().unwrap()
/// });
/// assert_eq!(name.as_deref(), Some("indexer"));
/// ```
#[must_use = "a child does nothing until `spawn`"]
pub struct Child<'a, 'scope, 'env> {
    scope: &'a Scope<'scope, 'env>,
    builder: thread::Builder,
}

impl<'a, 'scope, 'env> Child<'a, 'scope, 'env> {
    pub(super) fn new(scope: &'a Scope<'scope, 'env>) -> Self {
        let builder = thread::Builder::new();
        let builder = match scope.children.shared().name() {
            Some(name) => builder.name(name.to_owned()),
            None => builder,
        };
        Self { scope, builder }
    }

    /// The child's name in events and panic messages, and that of its thread.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.builder = self.builder.name(name.into());
        self
    }

    /// The size of the child's stack, in bytes; see [`thread::Builder::stack_size`].
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.builder = self.builder.stack_size(bytes);
        self
    }

    /// Spawns the child; see [`Scope::spawn`].
    ///
    /// # Panics
    ///
    /// If the operating system fails to create a thread, or if the name contains a null byte.
    // As in std: a handle that is dropped detaches from nothing, for the scope joins the thread.
    #[allow(clippy::must_use_candidate)]
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        self.launch(|_| false, f)
    }

    /// Spawns the child as one that can fail; see [`Scope::spawn_fallible`].
    ///
    /// # Panics
    ///
    /// As [`spawn`](Self::spawn).
    #[allow(clippy::must_use_candidate)]
    #[track_caller]
    pub fn spawn_fallible<F, T, E>(self, f: F) -> ScopedJoinHandle<'scope, Result<T, E>>
    where
        F: FnOnce() -> Result<T, E> + Send + 'scope,
        T: Send + 'scope,
        E: Send + 'scope,
    {
        self.launch(Result::is_err, f)
    }

    #[track_caller]
    fn launch<F, T>(self, failed: fn(&T) -> bool, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        self.scope
            .launch(self.builder, Location::caller(), failed, f)
            .expect("failed to spawn thread")
    }
}

impl fmt::Debug for Child<'_, '_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("builder", &self.builder).finish_non_exhaustive()
    }
}

/// What a child hands to its handle.
pub(super) struct Packet<T>(Mutex<Slot<T>>);

pub(super) enum Slot<T> {
    Running,
    Returned(T),
    /// The payload is with the scope, lest it be lost with a forgotten handle.
    Panicked,
    /// The handle has gone, or has taken the result.
    Gone,
}

impl<T> Packet<T> {
    /// Stores what the child came to, and returns what was there.
    pub(super) fn replace(&self, slot: Slot<T>) -> Slot<T> {
        mem::replace(&mut *self.slot(), slot)
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(*self.slot(), Slot::Running)
    }

    /// The result of a child whose handle is still there; else the result, to be dropped.
    fn put(&self, value: T) -> Option<T> {
        let mut slot = self.slot();
        if matches!(*slot, Slot::Gone) {
            return Some(value);
        }
        *slot = Slot::Returned(value);
        None
    }

    /// Held over none of the user's code, so never poisoned; `into_inner` for form's sake.
    fn slot(&self) -> MutexGuard<'_, Slot<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a child's thread carries besides the closure.
pub(super) struct Run<T> {
    shared: Arc<Shared>,
    id: u64,
    location: &'static Location<'static>,
    place: Option<Place>,
    packet: Arc<Packet<T>>,
}

impl<T> Run<T> {
    pub(super) fn new(
        shared: &Arc<Shared>,
        id: u64,
        location: &'static Location<'static>,
        place: Option<Place>,
    ) -> Self {
        let packet = Arc::new(Packet(Mutex::new(Slot::Running)));
        Self { shared: Arc::clone(shared), id, location, place, packet }
    }

    pub(super) fn packet(&self) -> Arc<Packet<T>> {
        Arc::clone(&self.packet)
    }

    /// The whole of the child's thread; never unwinds.
    pub(super) fn run(self, f: impl FnOnce() -> T, failed: fn(&T) -> bool) {
        let Self { shared, id, location, place, packet } = self;
        place::enter(Arc::clone(&shared), id, place);
        #[cfg(all(feature = "process", unix))]
        let live = super::live::enter(location);
        let ambient = shared.token().enter();
        let site = Site::child(id, location);
        match catch_unwind(AssertUnwindSafe(f)) {
            Ok(value) => {
                let failed = failed(&value);
                if let Some(unwanted) = packet.put(value) {
                    shared.drop_result(site, &thread::current(), unwanted);
                }
                if failed {
                    shared.failed();
                }
            }
            Err(payload) => {
                // Kept before anybody can know of it, so that panics caused by this one come later.
                shared.keep_for_handle(site, payload);
                if matches!(packet.replace(Slot::Panicked), Slot::Gone) {
                    shared.settle(id);
                }
                shared.failed();
            }
        }
        drop(ambient);
        #[cfg(all(feature = "process", unix))]
        drop(live);
        place::leave();
    }
}
