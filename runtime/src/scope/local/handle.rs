//! The handle on a child that runs on the task of its scope.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use super::Core;
use crate::event;
use crate::scope::tasks::shared::{Payload, Site};
use crate::sync::{Mutex, MutexGuard};
use crate::wakers::{contained, wake};

/// Why a child gave no value.
///
/// Needs the feature `tokio`.
pub struct ChildError(Why);

enum Why {
    Cancelled,
    /// Locked by nobody: it makes the error `Sync`.
    Panicked(Mutex<Payload>, String),
}

impl ChildError {
    pub(super) fn panicked(payload: Payload) -> Self {
        let message = event::panic_message(&*payload);
        Self(Why::Panicked(Mutex::new(payload), message))
    }

    /// Whether the child was dropped before it ended.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0, Why::Cancelled)
    }

    /// Whether it panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        !self.is_cancelled()
    }

    /// The payload of its panic.
    #[must_use]
    pub fn into_payload(self) -> Option<Payload> {
        match self.0 {
            Why::Cancelled => None,
            Why::Panicked(payload, _) => {
                Some(payload.into_inner().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }
}

impl fmt::Display for ChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Why::Cancelled => f.write_str("the child was cancelled"),
            Why::Panicked(_, message) => write!(f, "the child panicked: {message}"),
        }
    }
}

impl fmt::Debug for ChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ChildError").field(&self.to_string()).finish()
    }
}

impl Error for ChildError {}

type Result<T> = std::result::Result<T, ChildError>;

struct Packet<T>(Mutex<State<T>>);

enum State<T> {
    /// Who waits for the result.
    Running(Option<Waker>),
    Ended(Result<T>),
    /// The handle has gone, or has the result.
    Gone,
}

impl<T> Packet<T> {
    fn replace(&self, state: State<T>) -> State<T> {
        std::mem::replace(&mut *self.state(), state)
    }

    /// Held over none of the user's code, so never poisoned; `into_inner` for form's sake.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The child's side: dropped without a result, it says that the child was cancelled.
pub(super) struct Ending<T> {
    packet: Option<Arc<Packet<T>>>,
    site: Site,
}

impl<T> Ending<T> {
    pub(super) fn new(core: &Arc<Core>, site: &Site) -> (Self, LocalHandle<T>) {
        let packet = Arc::new(Packet(Mutex::new(State::Running(None))));
        let handle =
            LocalHandle { packet: Arc::clone(&packet), core: Arc::clone(core), site: site.clone() };
        (Self { packet: Some(packet), site: site.clone() }, handle)
    }

    /// Gives the result to the handle, or back where there is none.
    pub(super) fn end(mut self, result: Result<T>) -> Option<Result<T>> {
        self.give(result)
    }

    fn give(&mut self, result: Result<T>) -> Option<Result<T>> {
        let Some(packet) = self.packet.take() else { return Some(result) };
        let mut state = packet.state();
        if matches!(*state, State::Gone) {
            return Some(result);
        }
        let before = std::mem::replace(&mut *state, State::Ended(result));
        drop(state);
        if let State::Running(waker) = before {
            wake(waker, self.site.name(), self.site.location);
        }
        None
    }
}

impl<T> Drop for Ending<T> {
    fn drop(&mut self) {
        let _ = self.give(Err(ChildError(Why::Cancelled)));
    }
}

/// The handle on a child of a [`LocalScope`](super::LocalScope), which awaits to its value.
///
/// Needs the feature `tokio`.
///
/// To drop it changes nothing: the scope runs the child to its end, and hears of its panic. Whoever awaits
/// it takes the panic, which is theirs from then on.
pub struct LocalHandle<T> {
    packet: Arc<Packet<T>>,
    core: Arc<Core>,
    site: Site,
}

impl<T> LocalHandle<T> {
    /// Whether the child has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !matches!(*self.packet.state(), State::Running(_))
    }
}

impl<T> Future for LocalHandle<T> {
    type Output = Result<T>;

    /// # Panics
    ///
    /// If it is polled after it has ended.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        // Before the lock: it may be anybody's code, as its destructor.
        let own = cx.waker().clone();
        let mut state = self.packet.state();
        if let State::Running(waker) = &mut *state {
            let before = waker.replace(own);
            drop(state);
            contained(self.site.name(), self.site.location, || drop(before));
            return Poll::Pending;
        }
        drop(state);
        match self.packet.replace(State::Gone) {
            State::Ended(result) => Poll::Ready(result),
            State::Running(_) | State::Gone => panic!("a handle is awaited once"),
        }
    }
}

impl<T> Drop for LocalHandle<T> {
    fn drop(&mut self) {
        match self.packet.replace(State::Gone) {
            // A panic of its destructor is one of the child's.
            State::Ended(Ok(value)) => {
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
                    self.core.panicked(self.site.clone(), payload);
                }
            }
            State::Ended(Err(error)) => {
                if let Some(payload) = error.into_payload() {
                    self.core.panicked(self.site.clone(), payload);
                }
            }
            State::Running(waker) => {
                contained(self.site.name(), self.site.location, || drop(waker));
            }
            State::Gone => {}
        }
    }
}

impl<T> fmt::Debug for LocalHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalHandle")
            .field("name", &self.site.name)
            .field("location", &self.site.location)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(backstop_loom)))]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::scope::Options;
    use crate::wakers::tests::calling_when_cloned;

    #[test]
    fn no_lock_is_held_while_a_waker_is_cloned() {
        let scope = Options::new().local();
        let mut handle = scope.spawn(pending::<()>());
        let (packet, clones) = (Arc::clone(&handle.packet), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&clones);
        let waker = calling_when_cloned(move || {
            assert!(packet.0.try_lock().is_ok(), "the lock is held");
            counted.fetch_add(1, Ordering::Relaxed);
        });
        assert!(Pin::new(&mut handle).poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(clones.load(Ordering::Relaxed), 1);
    }
}
