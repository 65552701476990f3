//! The tree of tokens.
//!
//! A node owns its parent and is listed there weakly, so that a chain stays whole while its leaf
//! lives and unlinks itself from the top that remains. Neither cancelling nor dropping recurses: a
//! chain may be as deep as memory allows.
//!
//! The cause is an atomic, so that looking takes no lock. It changes from none to a cause (and from
//! one shutdown to the other) under the node's lock, where waiters and new children look at it; only
//! a deadline is noted without the lock, because everybody else sees the same deadline pass.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use super::CancelCause;

pub(super) struct Node {
    /// See [`encode`].
    cause: AtomicU8,
    /// The earliest of its own and its ancestors', so that nobody need ask them.
    deadline: Option<Instant>,
    link: Option<Link>,
    family: Mutex<Family>,
    cancelled: Condvar,
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
        }
    }

    pub(super) fn child(self: &Arc<Self>, deadline: Option<Instant>) -> Arc<Self> {
        let deadline = earlier(deadline, self.deadline);
        let mut family = self.family();
        let key = family.next_key;
        family.next_key += 1;
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

    pub(super) fn cancel(&self, cause: CancelCause) {
        let mut pending = Vec::new();
        // A token that was cancelled before has cancelled its descendants, or is about to.
        if self.cancel_one(cause, &mut pending) {
            while let Some(node) = pending.pop() {
                node.cancel_one(cause, &mut pending);
            }
        }
    }

    /// Cancels this node alone, appends its children, and tells whether its cause changed.
    fn cancel_one(&self, cause: CancelCause, pending: &mut Vec<Arc<Self>>) -> bool {
        let family = self.family();
        let current = self.cause();
        let changed = match (current, cause) {
            (None, _)
            | (
                Some(CancelCause::Shutdown { immediate: false }),
                CancelCause::Shutdown { immediate: true },
            ) => self.change(current, cause),
            _ => false,
        };
        pending.extend(family.children.values().filter_map(Weak::upgrade));
        let wake = changed && family.waiting > 0;
        drop(family);
        if wake {
            self.cancelled.notify_all();
        }
        changed
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
