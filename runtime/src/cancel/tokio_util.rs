//! Conversions from and to tokio-util's token, in both of which a cancellation arrives before the call
//! that cancelled returns.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Wake, Waker};

use tokio_util::sync::CancellationToken;

use super::node::Node;
use super::{CancelCause, CancelToken};
use crate::cleanup_runtime::handle;

/// A token that is cancelled with the other one, with the cause [`CancelCause::Requested`]: as a child
/// would be, and it cancels nobody but its own children.
impl From<CancellationToken> for CancelToken {
    fn from(token: CancellationToken) -> Self {
        let ours = Self::new();
        let inward = Arc::new(Inward { node: Arc::downgrade(&ours.node), waits: Mutex::new(None) });
        // Unconstrained: out of its task's budget a future would wake us without waiting.
        let waits = tokio::task::unconstrained(token.cancelled_owned());
        *inward.waits() = Some(Box::pin(waits));
        inward.wake_by_ref();
        ours.node.keep(Box::new(inward));
        ours
    }
}

type Waits = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Cancels a token of ours when the other one is.
struct Inward {
    node: Weak<Node>,
    /// The wait for the other one, whose waker this is.
    waits: Mutex<Option<Waits>>,
}

impl Inward {
    fn waits(&self) -> std::sync::MutexGuard<'_, Option<Waits>> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Inward {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // A waker that the future keeps must not keep the future: a weak one in an `Arc` of its own.
        let waker = Waker::from(Arc::new(Outward::Inward(Arc::downgrade(self))));
        let mut waits = self.waits();
        let Some(future) = &mut *waits else { return };
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            return;
        }
        let ended = waits.take();
        drop(waits);
        drop(ended);
        if let Some(node) = self.node.upgrade() {
            node.cancel(CancelCause::Requested, Location::caller());
        }
    }
}

/// Who is told that a token is cancelled.
enum Outward {
    Inward(Weak<Inward>),
    Token(CancellationToken),
}

impl Wake for Outward {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        match &**self {
            Self::Inward(inward) => {
                if let Some(inward) = inward.upgrade() {
                    inward.wake();
                }
            }
            Self::Token(token) => token.cancel(),
        }
    }
}

/// A token that is cancelled with this one, as a child would be: also when the deadline of this one
/// passes. What is made here is kept as long as this token lives; for something short, convert a
/// [`child`](CancelToken::child) of its own.
impl From<&CancelToken> for CancellationToken {
    /// # Panics
    ///
    /// If the token has a deadline and there is no thread to be had that keeps the time.
    fn from(ours: &CancelToken) -> Self {
        let token = Self::new();
        let waker = Waker::from(Arc::new(Outward::Token(token.clone())));
        if ours.node.register(&waker, &mut None, |_| true).is_some() {
            token.cancel();
        } else if ours.deadline().is_some() {
            // Who waits for the deadline alone need not be told by the waker, and does no harm by it.
            let (cancelled, late) = (ours.cancelled(), token.clone());
            match handle() {
                Ok(handle) => handle.spawn(async move {
                    cancelled.await;
                    late.cancel();
                }),
                Err(error) => panic!("nobody can wait for a deadline: {error}"),
            };
        }
        token
    }
}

impl From<CancelToken> for CancellationToken {
    fn from(ours: CancelToken) -> Self {
        Self::from(&ours)
    }
}
