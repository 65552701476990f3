//! Models of the token: see [`crate::sync`].

use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use loom::thread;

use super::Node;
use crate::CancelCause::{self, Requested, Shutdown, SiblingFailed};
use crate::sync::model;

const SOFT: CancelCause = Shutdown { immediate: false };
const HARD: CancelCause = Shutdown { immediate: true };

fn cancels(node: &Arc<Node>, cause: CancelCause) -> thread::JoinHandle<()> {
    let node = Arc::clone(node);
    thread::spawn(move || node.cancel(cause, Location::caller()))
}

#[test]
fn the_first_cause_stays_and_is_everybodys() {
    model(|| {
        let root = Node::root();
        let child = root.child(None);
        let leaf = child.child(None);
        let other = cancels(&root, SiblingFailed);
        root.cancel(Requested, Location::caller());
        // It was one of the two, from then on, if this call was the second.
        let cause = root.cause();
        assert!(matches!(cause, Some(Requested | SiblingFailed)), "{cause:?}");
        other.join().unwrap();
        assert_eq!([root.cause(), child.cause(), leaf.cause()], [cause; 3]);
    });
}

#[test]
fn an_immediate_shutdown_replaces_the_other_one_everywhere() {
    model(|| {
        let root = Node::root();
        let child = root.child(None);
        let soft = cancels(&root, SOFT);
        root.cancel(HARD, Location::caller());
        soft.join().unwrap();
        assert_eq!([root.cause(), child.cause()], [Some(HARD); 2]);
    });
}

#[test]
fn a_child_of_a_token_that_is_being_cancelled_is_cancelled() {
    model(|| {
        let root = Node::root();
        let parent = root.child(None);
        let born = {
            let parent = Arc::clone(&parent);
            thread::spawn(move || parent.child(None))
        };
        root.cancel(Requested, Location::caller());
        let child = born.join().unwrap();
        assert_eq!([parent.cause(), child.cause()], [Some(Requested); 2]);
    });
}

#[test]
fn a_child_born_between_two_causes_gets_the_later_one() {
    model(|| {
        let root = Node::root();
        let born = {
            let root = Arc::clone(&root);
            thread::spawn(move || root.child(None))
        };
        let soft = cancels(&root, SOFT);
        root.cancel(HARD, Location::caller());
        soft.join().unwrap();
        assert_eq!(born.join().unwrap().cause(), Some(HARD));
    });
}

#[test]
fn the_parent_hears_nothing_of_its_childs_cancellation() {
    model(|| {
        let root = Node::root();
        let (child, sibling) = (root.child(None), root.child(None));
        let cancelled = cancels(&child, Requested);
        let born = root.child(None);
        cancelled.join().unwrap();
        assert_eq!(child.cause(), Some(Requested));
        assert_eq!([root.cause(), sibling.cause(), born.cause()], [None; 3]);
    });
}

/// One that slept on would be a deadlock, which loom tells.
#[test]
fn every_thread_that_waits_is_woken() {
    model(|| {
        let root = Node::root();
        let child = root.child(None);
        let waits =
            [Arc::clone(&root), child].map(|node| thread::spawn(move || node.wait_until(None)));
        root.cancel(Requested, Location::caller());
        for waits in waits {
            assert_eq!(waits.join().unwrap(), Some(Requested));
        }
    });
}

#[test]
fn who_drops_a_token_meets_who_cancels_it() {
    model(|| {
        let root = Node::root();
        let leaf = root.child(None).child(None);
        let cancelled = cancels(&root, Requested);
        drop(leaf);
        cancelled.join().unwrap();
        assert!(root.family().children.is_empty());
    });
}

/// Counts how often it is woken, and what the cause was then.
struct Woken {
    count: AtomicUsize,
    node: Arc<Node>,
    seen: Mutex<Option<CancelCause>>,
}

impl Woken {
    fn new(node: &Arc<Node>) -> Arc<Self> {
        Arc::new(Self {
            count: AtomicUsize::new(0),
            node: Arc::clone(node),
            seen: Mutex::default(),
        })
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.count.fetch_add(1, Ordering::SeqCst);
        let cause = self.node.cause();
        *self.seen.lock().unwrap() = cause;
    }
}

#[test]
fn a_task_that_registers_sees_the_cause_or_is_woken_once_when_all_are_cancelled() {
    model(|| {
        let root = Node::root();
        // The one that waits is the first to be cancelled, and then looks at the other.
        let (last, child) = (root.child(None), root.child(None));
        let woken = Woken::new(&last);
        let waker = Waker::from(Arc::clone(&woken));
        let cancelled = cancels(&root, Requested);
        let mut key = None;
        let seen = child.register(&waker, &mut key, |_| true);
        cancelled.join().unwrap();
        match seen {
            None => {
                assert_eq!(woken.count(), 1);
                assert_eq!(*woken.seen.lock().unwrap(), Some(Requested), "woken too early");
            }
            Some(cause) => {
                assert_eq!(cause, Requested);
                assert_eq!(woken.count(), 0);
                assert_eq!(key, None);
            }
        }
        assert!(child.family().wakers.is_empty());
    });
}

#[test]
fn a_task_that_does_not_wait_any_more_is_forgotten() {
    model(|| {
        let root = Node::root();
        let woken = Woken::new(&root);
        let mut key = None;
        assert_eq!(root.register(&Waker::from(Arc::clone(&woken)), &mut key, |_| true), None);
        let cancelled = cancels(&root, Requested);
        root.unregister(key.unwrap());
        cancelled.join().unwrap();
        assert!(woken.count() <= 1);
        assert_eq!(Arc::strong_count(&woken), 1);
    });
}

/// As those of a scope, which a soft shutdown does not abort.
#[test]
fn a_task_that_waits_for_a_later_cause_is_woken_for_that_one() {
    model(|| {
        let root = Node::root();
        let token = super::super::CancelToken { node: Arc::clone(&root) };
        let waits = thread::spawn(move || {
            loom::future::block_on(token.cancelled_until(|cause| cause == HARD))
        });
        root.cancel(SOFT, Location::caller());
        root.cancel(HARD, Location::caller());
        assert_eq!(waits.join().unwrap(), HARD);
    });
}
