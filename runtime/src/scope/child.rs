//! A child before it is spawned, and what its thread does.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::{fmt, io, mem, thread};

use super::children::{Children, Join};
use super::handle::Claim;
use super::place::{self, Place};
use super::shared::{Shared, Site};
use super::{Scope, ScopedJoinHandle};
use crate::sync::{Mutex, MutexGuard};

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

/// Makes `f` a child, on the thread that `spawn` starts for it. `failed` tells whether the value of a
/// child that did not panic is a failure.
pub(super) fn launch<J, F, T>(
    children: &Arc<Children<J>>,
    location: &'static Location<'static>,
    failed: fn(&T) -> bool,
    f: F,
    spawn: impl FnOnce(Run<F, T>) -> io::Result<J>,
) -> io::Result<Claim<J, T>>
where
    J: Join,
    F: FnOnce() -> T,
{
    children.reap();
    // The caller's own place, if it had to be lent out, is taken back after the spawn: at a limit
    // of one, only the new child can make room.
    let (place, _lent) = place::admit(children.shared());
    let starting = children.start();
    let (id, shared) = (starting.id(), Arc::clone(children.shared()));
    let packet = Arc::new(Packet(Mutex::new(Slot::Running)));
    let of = Arc::clone(&packet);
    let thread = spawn(Run { shared, id, location, place, packet, failed, f })?;
    let claim = Claim::new(children, id, location, of, thread.thread());
    starting.started(thread);
    Ok(claim)
}

/// What a child's thread carries.
pub(super) struct Run<F, T> {
    shared: Arc<Shared>,
    id: u64,
    location: &'static Location<'static>,
    place: Option<Place>,
    packet: Arc<Packet<T>>,
    failed: fn(&T) -> bool,
    f: F,
}

impl<F: FnOnce() -> T, T> Run<F, T> {
    /// The whole of the child's thread; never unwinds.
    pub(super) fn run(self) {
        let Self { shared, id, location, place, packet, failed, f } = self;
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
