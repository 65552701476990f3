//! The tree of tokens.
//!
//! A node owns its parent and is listed there weakly, so that a chain stays whole while its leaf
//! lives and unlinks itself from the top that remains. Neither cancelling nor dropping recurses: a
//! chain may be as deep as memory allows.
//!
//! The cause is an atomic, so that looking takes no lock. It changes from none to a cause (and from
//! one shutdown to the other) under the node's lock, where waiters and new children look at it; only
//! a deadline is noted without the lock, because everybody else sees the same deadline pass.

#[cfg(feature = "tokio")]
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::Location;
#[cfg(feature = "tokio")]
use std::sync::OnceLock;
use std::sync::{Arc, PoisonError, Weak};
#[cfg(feature = "tokio")]
use std::task::Waker;
use std::time::Instant;

use super::CancelCause;
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Condvar, Mutex, MutexGuard};
#[cfg(feature = "tokio")]
use crate::wakers;

/// What tasks wait for that are listed here.
#[cfg(feature = "tokio")]
pub(super) const TOKEN: &str = "<token>";

pub(super) struct Node {
    /// See [`encode`].
    cause: AtomicU8,
    /// The earliest of its own and its ancestors', so that nobody need ask them.
    deadline: Option<Instant>,
    link: Option<Link>,
    family: Mutex<Family>,
    cancelled: Condvar,
    /// What cancels it from outside, to be kept as long as it lives. Nobody locks it: the lock keeps
    /// tokens fit to be carried over a caught panic.
    #[cfg(feature = "tokio")]
    source: OnceLock<Mutex<Box<dyn Any + Send>>>,
}

/// Where a node is listed.
struct Link {
    parent: Arc<Node>,
    key: u64,
}

#[derive(Default)]
struct Family {
    children: BTreeMap<u64, Weak<Node>>,
    next_key: u64,
    /// Threads in `wait_until`; to wake nobody is a system call all the same.
    waiting: usize,
    /// Tasks that wait.
    #[cfg(feature = "tokio")]
    wakers: BTreeMap<u64, Waker>,
}

impl Family {
    fn key(&mut self) -> u64 {
        let key = self.next_key;
        self.next_key += 1;
        key
    }
}

impl Node {
    pub(super) fn root() -> Arc<Self> {
        Arc::new(Self::new(encode(None), None, None))
    }

    fn new(cause: u8, deadline: Option<Instant>, link: Option<Link>) -> Self {
        Self {
            cause: AtomicU8::new(cause),
            deadline,
            link,
            family: Mutex::default(),
            cancelled: Condvar::new(),
            #[cfg(feature = "tokio")]
            source: OnceLock::new(),
        }
    }

    pub(super) fn child(self: &Arc<Self>, deadline: Option<Instant>) -> Arc<Self> {
        let deadline = earlier(deadline, self.deadline);
        let mut family = self.family();
        let key = family.key();
        // Under the lock: whoever cancels the parent either finds the child listed, or came before
        // and is seen here.
        let cause = self.cause.load(Ordering::Acquire);
        let link = Link { parent: Arc::clone(self), key };
        let child = Arc::new(Self::new(cause, deadline, Some(link)));
        family.children.insert(key, Arc::downgrade(&child));
        child
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub(super) fn cause(&self) -> Option<CancelCause> {
        let cause = decode(self.cause.load(Ordering::Acquire));
        if cause.is_some() || self.deadline.is_none_or(|deadline| Instant::now() < deadline) {
            return cause;
        }
        self.change(None, CancelCause::Deadline);
        decode(self.cause.load(Ordering::Acquire))
    }

    /// Changes the cause if it still is `from`.
    fn change(&self, from: Option<CancelCause>, to: CancelCause) -> bool {
        let (from, to) = (encode(from), encode(Some(to)));
        self.cause.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// `location` is where it is cancelled from.
    #[cfg_attr(not(feature = "tokio"), allow(unused_variables, reason = "no task waits"))]
    pub(super) fn cancel(&self, cause: CancelCause, location: &'static Location<'static>) {
        let mut reached = Reached::default();
        // A token that was cancelled before has cancelled its descendants, or is about to.
        if self.cancel_one(cause, &mut reached) {
            while let Some(node) = reached.pending.pop() {
                node.cancel_one(cause, &mut reached);
            }
        }
        // Last, when every descendant is cancelled: who is woken may look at any of them.
        #[cfg(feature = "tokio")]
        wakers::wake(reached.wakers, TOKEN, location);
    }

    /// Cancels this node alone, appends its children and the tasks that wait for it, and tells whether
    /// its cause changed.
    fn cancel_one(&self, cause: CancelCause, reached: &mut Reached) -> bool {
        #[cfg_attr(not(feature = "tokio"), allow(unused_mut, reason = "no task waits"))]
        let mut family = self.family();
        let current = self.cause();
        let changed = match (current, cause) {
            (None, _)
            | (
                Some(CancelCause::Shutdown { immediate: false }),
                CancelCause::Shutdown { immediate: true },
            ) => self.change(current, cause),
            _ => false,
        };
        reached.pending.extend(family.children.values().filter_map(Weak::upgrade));
        #[cfg(feature = "tokio")]
        if changed {
            reached.wakers.extend(std::mem::take(&mut family.wakers).into_values());
        }
        let wake = changed && family.waiting > 0;
        drop(family);
        if wake {
            self.cancelled.notify_all();
        }
        changed
    }

    /// Wakes the task when the node's cause changes, once, unless it has one already that `until` takes.
    /// Gives the cause that it has. A deadline that passes wakes nobody. `key` is the task's place among
    /// the others.
    #[cfg(feature = "tokio")]
    pub(super) fn register(
        &self,
        waker: &Waker,
        key: &mut Option<u64>,
        until: fn(CancelCause) -> bool,
    ) -> Option<CancelCause> {
        let mut own = None;
        let (cause, replaced) = loop {
            let mut family = self.family();
            // Under the lock: whoever cancels this finds the waker, or came before and is seen here.
            let cause = self.cause();
            if cause.is_some_and(until) {
                break (cause, None);
            }
            let known = key.and_then(|key| family.wakers.get(&key));
            if known.is_some_and(|known| known.will_wake(waker)) {
                break (cause, None);
            }
            if let Some(own) = own.take() {
                let key = *key.get_or_insert_with(|| family.key());
                break (cause, family.wakers.insert(key, own));
            }
            // Not under the lock: it may be anybody's code, as its destructor.
            drop(family);
            own = Some(waker.clone());
        };
        wakers::contained(TOKEN, Location::caller(), || drop(replaced));
        cause
    }

    /// The task does not wait any more.
    #[cfg(feature = "tokio")]
    pub(super) fn unregister(&self, key: u64) {
        let unlisted = self.family().wakers.remove(&key);
        wakers::contained(TOKEN, Location::caller(), || drop(unlisted));
    }

    /// Keeps what cancels this node from outside.
    #[cfg(feature = "tokio")]
    pub(super) fn keep(&self, source: Box<dyn Any + Send>) {
        // Set once, by whoever has just made the node.
        let _ = self.source.set(Mutex::new(source));
    }

    /// Blocks until there is a cause, or until `limit`.
    pub(super) fn wait_until(&self, limit: Option<Instant>) -> Option<CancelCause> {
        let wake_at = earlier(limit, self.deadline);
        let mut family = self.family();
        family.waiting += 1;
        let cause = loop {
            let cause = self.cause();
            let now = Instant::now();
            if cause.is_some() || limit.is_some_and(|limit| limit <= now) {
                break cause;
            }
            family = match wake_at {
                None => self.cancelled.wait(family).unwrap_or_else(PoisonError::into_inner),
                Some(wake_at) => {
                    let left = wake_at.saturating_duration_since(now);
                    let woken = self.cancelled.wait_timeout(family, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        };
        family.waiting -= 1;
        cause
    }

    /// Nothing that could panic or call out runs under this lock; `into_inner` is for form's sake.
    fn family(&self) -> MutexGuard<'_, Family> {
        self.family.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a cancellation has come to.
#[derive(Default)]
struct Reached {
    pending: Vec<Arc<Node>>,
    #[cfg(feature = "tokio")]
    wakers: Vec<Waker>,
}

impl Drop for Node {
    fn drop(&mut self) {
        let mut link = self.link.take();
        while let Some(Link { parent, key }) = link {
            let unlisted = parent.family().children.remove(&key);
            drop(unlisted);
            // If this was its last owner, the parent goes too, here and not by recursion.
            link = Arc::into_inner(parent).and_then(|mut parent| parent.link.take());
        }
    }
}

fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

fn encode(cause: Option<CancelCause>) -> u8 {
    match cause {
        None => 0,
        Some(CancelCause::Requested) => 1,
        Some(CancelCause::Deadline) => 2,
        Some(CancelCause::SiblingFailed) => 3,
        Some(CancelCause::Shutdown { immediate: false }) => 4,
        Some(CancelCause::Shutdown { immediate: true }) => 5,
    }
}

fn decode(cause: u8) -> Option<CancelCause> {
    Some(match cause {
        1 => CancelCause::Requested,
        2 => CancelCause::Deadline,
        3 => CancelCause::SiblingFailed,
        4 => CancelCause::Shutdown { immediate: false },
        5 => CancelCause::Shutdown { immediate: true },
        _ => return None,
    })
}

#[cfg(all(test, backstop_loom))]
mod model;

#[cfg(all(test, not(backstop_loom), feature = "tokio"))]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::wakers::tests::calling_when_cloned;

    #[test]
    fn no_lock_is_held_while_a_waker_is_cloned() {
        let (node, clones) = (Node::root(), Arc::new(AtomicUsize::new(0)));
        let (seen, counted) = (Arc::clone(&node), Arc::clone(&clones));
        let waker = calling_when_cloned(move || {
            assert!(seen.family.try_lock().is_ok(), "the lock is held");
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let mut key = None;
        assert_eq!(node.register(&waker, &mut key, |_| true), None);
        // Known already.
        assert_eq!(node.register(&waker, &mut key, |_| true), None);
        assert_eq!(clones.load(Ordering::Relaxed), 1);
    }
}
