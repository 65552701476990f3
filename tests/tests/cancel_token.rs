//! `CancelToken`: who is cancelled by whom, why, and when; and the ambient one.

use std::cell::RefCell;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use backstop::{CancelCause, CancelToken, Cancelled, cancel_token};

const LONG: Duration = Duration::from_secs(3600);

/// Pitfall C3, one direction.
#[test]
fn cancel_of_the_child_does_not_cancel_the_parent() {
    let parent = CancelToken::new();
    let (child, sibling) = (parent.child(), parent.child());
    let grandchild = child.child();
    child.cancel();
    assert!(child.is_cancelled() && grandchild.is_cancelled());
    assert!(!parent.is_cancelled() && !sibling.is_cancelled());
}

/// Pitfall C3, the other direction.
#[test]
fn cancel_of_the_parent_reaches_every_descendant() {
    let parent = CancelToken::new();
    let child = parent.child();
    let grandchildren = [child.child(), child.child().child()];
    parent.cancel_with(CancelCause::SiblingFailed);
    for token in [&child, &grandchildren[0], &grandchildren[1], &parent] {
        assert_eq!(token.cause(), Some(CancelCause::SiblingFailed));
    }
    assert_eq!(parent.child().cause(), Some(CancelCause::SiblingFailed), "born cancelled");
}

#[test]
fn cancel_reaches_a_grandchild_whose_parent_was_dropped() {
    let root = CancelToken::new();
    let grandchild = root.child().child().child();
    root.cancel();
    assert!(grandchild.is_cancelled());
}

#[test]
fn clones_are_the_same_token() {
    let token = CancelToken::new();
    token.clone().cancel();
    assert!(token.is_cancelled());
}

#[test]
fn the_first_cause_stays() {
    let token = CancelToken::new();
    assert_eq!(token.cause(), None);
    token.cancel_with(CancelCause::SiblingFailed);
    token.cancel();
    token.cancel_with(CancelCause::Shutdown { immediate: true });
    assert_eq!(token.cause(), Some(CancelCause::SiblingFailed));
}

#[test]
fn an_immediate_shutdown_replaces_a_graceful_one_everywhere() {
    let root = CancelToken::new();
    let (graceful, requested) = (root.child(), root.child());
    let below_requested = requested.child();
    below_requested.cancel_with(CancelCause::Shutdown { immediate: false });
    requested.cancel();
    root.cancel_with(CancelCause::Shutdown { immediate: false });
    root.cancel_with(CancelCause::Shutdown { immediate: true });
    root.cancel_with(CancelCause::Shutdown { immediate: false });
    for token in [&root, &graceful, &below_requested] {
        assert_eq!(token.cause(), Some(CancelCause::Shutdown { immediate: true }));
    }
    assert_eq!(requested.cause(), Some(CancelCause::Requested));
}

/// Pitfall C4: the outermost wins if it is the shortest, the innermost if that is.
#[test]
fn layered_deadlines_are_the_earliest_of_all() {
    let now = Instant::now();
    let [three, five, eight] = [3, 5, 8].map(|seconds| now + Duration::from_secs(seconds));
    let layers = |outer, middle, inner| {
        let outer = CancelToken::new().child_with_deadline(outer);
        let middle = outer.child_with_deadline(middle);
        let inner = middle.child_with_deadline(inner);
        [outer, middle, inner].map(|token| token.deadline().unwrap())
    };
    assert_eq!(layers(eight, five, three), [eight, five, three]);
    assert_eq!(layers(three, five, eight), [three, three, three]);
    assert_eq!(layers(five, eight, three), [five, five, three]);
    assert_eq!(CancelToken::new().child_with_deadline(five).child().deadline(), Some(five));
    assert_eq!(CancelToken::new().deadline(), None);
}

#[test]
fn a_deadline_that_has_passed_cancels_with_its_cause() {
    let parent = CancelToken::new();
    let late = parent.child_with_deadline(Instant::now());
    let below = late.child_with_timeout(LONG);
    assert_eq!(late.cause(), Some(CancelCause::Deadline));
    assert_eq!(below.cause(), Some(CancelCause::Deadline));
    assert_eq!(late.remaining(), Some(Duration::ZERO));
    assert_eq!(late.wait(), CancelCause::Deadline);
    assert_eq!(late.sleep(LONG).unwrap_err().cause, CancelCause::Deadline);
    // The deadline came first, although nobody had looked.
    let unseen = parent.child_with_deadline(Instant::now());
    parent.cancel();
    assert_eq!(unseen.cause(), Some(CancelCause::Deadline));
    assert_eq!(parent.cause(), Some(CancelCause::Requested));
}

#[test]
fn a_timeout_beyond_all_time_is_no_deadline() {
    let token = CancelToken::new().child_with_timeout(Duration::MAX);
    assert_eq!(token.deadline(), None);
    assert_eq!(token.remaining(), None);
    assert!(token.check().is_ok());
}

#[test]
fn waiters_wake_on_a_cancel_from_another_thread() {
    let root = CancelToken::new();
    let (child, timed) = (root.child(), root.child_with_timeout(LONG));
    let (ready, all_ready) = mpsc::channel();
    thread::scope(|s| {
        let wait = s.spawn({
            let ready = ready.clone();
            let child = &child;
            move || {
                ready.send(()).unwrap();
                child.wait()
            }
        });
        let sleep = s.spawn({
            let ready = ready.clone();
            let root = &root;
            move || {
                ready.send(()).unwrap();
                root.sleep(LONG)
            }
        });
        let timed = s.spawn({
            let timed = &timed;
            move || {
                ready.send(()).unwrap();
                timed.wait_timeout(Duration::MAX)
            }
        });
        all_ready.iter().take(3).for_each(drop);
        root.cancel_with(CancelCause::SiblingFailed);
        assert_eq!(wait.join().unwrap(), CancelCause::SiblingFailed);
        assert_eq!(sleep.join().unwrap().unwrap_err().cause, CancelCause::SiblingFailed);
        assert_eq!(timed.join().unwrap(), Some(CancelCause::SiblingFailed));
    });
}

#[test]
fn waiters_wake_at_the_deadline() {
    let token = CancelToken::new().child_with_timeout(Duration::from_millis(20));
    assert_eq!(token.wait(), CancelCause::Deadline);
    assert!(token.deadline().unwrap() <= Instant::now());
}

#[test]
fn wait_timeout_and_sleep_end_without_a_cancel() {
    let token = CancelToken::new();
    let begin = Instant::now();
    assert_eq!(token.wait_timeout(Duration::from_millis(5)), None);
    assert!(token.sleep(Duration::from_millis(5)).is_ok());
    assert!(begin.elapsed() >= Duration::from_millis(10));
}

#[test]
fn check_works_with_a_question_mark_and_says_why() {
    fn work(token: &CancelToken) -> Result<(), Box<dyn Error>> {
        token.check()?;
        Ok(())
    }
    let token = CancelToken::new();
    assert!(work(&token).is_ok());
    token.cancel_with(CancelCause::Shutdown { immediate: false });
    let error = work(&token).unwrap_err();
    assert_eq!(error.to_string(), "cancelled: the program is shutting down");
    let cancelled = error.downcast::<Cancelled>().unwrap();
    assert_eq!(cancelled.cause, CancelCause::Shutdown { immediate: false });
}

/// A recursion of this depth overflows a stack of 64 KiB, in dropping as in cancelling.
#[test]
fn deep_chains_do_not_recurse() {
    let body = || {
        let root = CancelToken::new();
        let leaf = (0..100_000).fold(root.clone(), |token, _| token.child());
        root.cancel();
        assert!(leaf.is_cancelled());
        drop(root);
        drop(leaf);
    };
    thread::Builder::new().stack_size(64 * 1024).spawn(body).unwrap().join().unwrap();
}

#[test]
fn tokens_are_shared_between_threads() {
    fn assert_traits<T: Clone + Send + Sync + std::panic::UnwindSafe + 'static>() {}
    assert_traits::<CancelToken>();
}

#[test]
fn concurrent_children_and_cancels_miss_nobody() {
    for _ in 0..200 {
        let root = CancelToken::new();
        thread::scope(|s| {
            let children = s.spawn(|| (0..50).map(|_| root.child().child()).collect::<Vec<_>>());
            root.cancel();
            assert!(children.join().unwrap().iter().all(CancelToken::is_cancelled));
        });
    }
}

#[test]
fn outside_of_a_scope_each_thread_has_one_token_of_its_own() {
    let here = cancel_token();
    thread::spawn(|| cancel_token().cancel()).join().unwrap();
    assert!(!here.is_cancelled());
    here.cancel();
    assert!(cancel_token().is_cancelled(), "the same one at each call");
}

#[test]
fn as_ambient_restores_the_one_before_also_on_a_panic() {
    let (outer, inner) = (CancelToken::new(), CancelToken::new());
    outer.as_ambient(|| {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            inner.as_ambient(|| {
                cancel_token().cancel();
                panic!("inside");
            });
        }));
        assert!(panicked.is_err() && inner.is_cancelled());
        cancel_token().cancel_with(CancelCause::SiblingFailed);
        assert_eq!(outer.cause(), Some(CancelCause::SiblingFailed));
    });
    assert!(!cancel_token().is_cancelled());
}

#[test]
fn the_ambient_token_may_be_asked_for_while_the_thread_ends() {
    struct AsksWhenDropped(mpsc::Sender<bool>);
    impl Drop for AsksWhenDropped {
        fn drop(&mut self) {
            let _ = self.0.send(cancel_token().is_cancelled());
        }
    }
    thread_local! {
        static EARLY: RefCell<Option<AsksWhenDropped>> = const { RefCell::new(None) };
        static LATE: RefCell<Option<AsksWhenDropped>> = const { RefCell::new(None) };
    }
    let (asked, answers) = mpsc::channel();
    // One is dropped before the ambient token's own thread-local value, and one after it.
    let body = move || {
        EARLY.set(Some(AsksWhenDropped(asked.clone())));
        let _ = cancel_token();
        LATE.set(Some(AsksWhenDropped(asked)));
    };
    thread::spawn(body).join().unwrap();
    assert_eq!(answers.iter().collect::<Vec<_>>(), [false, false]);
}
