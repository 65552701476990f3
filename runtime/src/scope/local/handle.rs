//! The handle on a child that runs on the task of its scope.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use super::Core;
use crate::event;
use crate::scope::tasks::shared::{Payload, Site};
use crate::sync::{Mutex, MutexGuard};

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

    /// Held over none of the user's code but a waker's `clone`; `into_inner` for form's sake.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The child's side: dropped without a result, it says that the child was cancelled.
pub(super) struct Ending<T>(Option<Arc<Packet<T>>>);

impl<T> Ending<T> {
    pub(super) fn new(core: &Arc<Core>, site: &Site) -> (Self, LocalHandle<T>) {
        let packet = Arc::new(Packet(Mutex::new(State::Running(None))));
        let handle =
            LocalHandle { packet: Arc::clone(&packet), core: Arc::clone(core), site: site.clone() };
        (Self(Some(packet)), handle)
    }

    /// Gives the result to the handle, or back where there is none.
    pub(super) fn end(mut self, result: Result<T>) -> Option<Result<T>> {
        match self.0.take() {
            Some(packet) => Self::give(&packet, result),
            None => Some(result),
        }
    }

    fn give(packet: &Packet<T>, result: Result<T>) -> Option<Result<T>> {
        let mut state = packet.state();
        if matches!(*state, State::Gone) {
            return Some(result);
        }
        let before = std::mem::replace(&mut *state, State::Ended(result));
        drop(state);
        if let State::Running(Some(waker)) = before {
            waker.wake();
        }
        None
    }
}

impl<T> Drop for Ending<T> {
    fn drop(&mut self) {
        if let Some(packet) = self.0.take() {
            let _ = Self::give(&packet, Err(ChildError(Why::Cancelled)));
        }
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
        let mut state = self.packet.state();
        if let State::Running(waker) = &mut *state {
            let before = waker.replace(cx.waker().clone());
            drop(state);
            // Its destructor may be anybody's code.
            drop(before);
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
        if let State::Ended(Err(error)) = self.packet.replace(State::Gone) {
            if let Some(payload) = error.into_payload() {
                self.core.panicked(self.site.clone(), payload);
            }
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
