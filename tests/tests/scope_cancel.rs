//! Scopes and their tokens: who is cancelled by whose failure, and what `cancel_token` is where.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use backstop::scope::{OnFailure, Options};
use backstop::{CancelCause, CancelToken, cancel_token};

/// Whether two tokens are the same one, or one's parent, is told by cancelling.
fn is_cancelled_by(seen: &CancelToken, cancelled: &CancelToken) -> bool {
    assert!(!seen.is_cancelled());
    cancelled.cancel();
    seen.is_cancelled()
}

#[test]
fn a_panicking_child_cancels_its_siblings_and_nobody_else() {
    let outside = cancel_token();
    let (tell, causes) = mpsc::channel();
    let result = catch_unwind(AssertUnwindSafe(|| {
        backstop::scope(|s| {
            for _ in 0..2 {
                let tell = tell.clone();
                s.spawn(move || tell.send(cancel_token().wait()).unwrap());
            }
            s.spawn(|| panic!("on purpose"));
            assert_eq!(s.cancel_token().wait(), CancelCause::SiblingFailed);
        });
    }));
    drop(tell);
    assert!(result.is_err());
    assert_eq!(causes.iter().collect::<Vec<_>>(), [CancelCause::SiblingFailed; 2]);
    assert!(!outside.is_cancelled());
}

#[test]
fn a_panic_that_is_joined_cancels_all_the_same() {
    backstop::scope(|s| {
        assert!(s.spawn(|| panic!("on purpose")).join().is_err());
        assert_eq!(s.cancel_token().cause(), Some(CancelCause::SiblingFailed));
    });
}

#[test]
fn a_panicking_body_cancels_its_children() {
    let (tell, causes) = mpsc::channel();
    let result = catch_unwind(AssertUnwindSafe(|| {
        backstop::scope(|s| {
            s.spawn(move || tell.send(cancel_token().wait()).unwrap());
            panic!("on purpose");
        });
    }));
    assert!(result.is_err());
    assert_eq!(causes.iter().collect::<Vec<_>>(), [CancelCause::SiblingFailed]);
}

#[test]
fn with_wait_a_failure_cancels_nobody() {
    Options::new().on_failure(OnFailure::Wait).run(|s| {
        assert!(s.spawn(|| panic!("on purpose")).join().is_err());
        assert_eq!(s.spawn_fallible(|| Err::<(), _>("failed")).join().unwrap(), Err("failed"));
        assert!(!s.cancel_token().is_cancelled());
        assert!(!s.spawn(|| cancel_token().is_cancelled()).join().unwrap());
    });
}

#[test]
fn an_err_of_a_fallible_child_cancels_and_goes_to_the_handle() {
    backstop::scope(|s| {
        let fine = s.spawn_fallible(|| Ok::<_, ()>(1));
        assert_eq!(fine.join().unwrap(), Ok(1));
        assert!(!s.cancel_token().is_cancelled());
        // Of a child that is not fallible, an `Err` is a value like any other.
        assert_eq!(s.spawn(|| Err::<(), _>(1)).join().unwrap(), Err(1));
        assert!(!s.cancel_token().is_cancelled());

        let sibling = s.spawn(|| cancel_token().wait());
        let failed = s.child().spawn_fallible(|| Err::<(), _>("failed"));
        assert_eq!(sibling.join().unwrap(), CancelCause::SiblingFailed);
        assert_eq!(failed.join().unwrap(), Err("failed"));
    });
}

#[test]
fn an_err_whose_handle_was_dropped_cancels() {
    backstop::scope(|s| {
        s.spawn_fallible(|| Err::<(), _>("failed"));
        assert_eq!(s.cancel_token().wait(), CancelCause::SiblingFailed);
    });
}

#[test]
fn the_ambient_token_is_the_scope_s_in_the_body_and_in_children() {
    backstop::scope(|s| {
        let body = cancel_token();
        let child = s.spawn(cancel_token).join().unwrap();
        let own = s.cancel_token();
        assert!(is_cancelled_by(&child, &body) && own.is_cancelled());
    });
}

#[test]
fn the_scope_s_token_is_a_child_of_the_ambient_one() {
    let outer = CancelToken::new();
    outer.as_ambient(|| {
        backstop::scope(|s| {
            s.spawn(|| {
                backstop::scope(|inner| inner.cancel_token().cancel());
                assert!(!cancel_token().is_cancelled(), "not from child to parent");
                backstop::scope(|inner| {
                    let token = inner.spawn(cancel_token).join().unwrap();
                    assert!(is_cancelled_by(&token, &outer));
                });
            });
        });
    });
}

#[test]
fn the_ambient_token_is_restored_after_the_scope_also_on_a_panic() {
    let outer = CancelToken::new();
    outer.as_ambient(|| {
        backstop::scope(|_| cancel_token().cancel());
        assert!(!cancel_token().is_cancelled());
        let result = catch_unwind(|| backstop::scope(|_| panic!("on purpose")));
        assert!(result.is_err());
        let seen = cancel_token();
        assert!(is_cancelled_by(&seen, &outer), "the outer one again");
    });
}

#[test]
fn deadlines_are_inherited_and_the_earliest_counts() {
    let now = Instant::now();
    let [three, five, eight] = [3, 5, 8].map(|minutes| now + Duration::from_secs(60 * minutes));
    Options::new().deadline(five).run(|s| {
        assert_eq!(s.cancel_token().deadline(), Some(five));
        s.spawn(move || {
            let of = |options: Options| options.run(|s| s.cancel_token().deadline());
            assert_eq!(of(Options::new()), Some(five));
            assert_eq!(of(Options::new().deadline(eight)), Some(five));
            assert_eq!(of(Options::new().deadline(three)), Some(three));
            assert_eq!(of(Options::new().deadline(three).timeout(Duration::MAX)), Some(three));
            assert!(of(Options::new().timeout(Duration::from_secs(1))) < Some(three));
        });
    });
}

#[test]
fn a_deadline_cancels_children_with_its_cause() {
    let cause = Options::new()
        .timeout(Duration::from_millis(10))
        .run(|s| s.spawn(|| cancel_token().wait()).join().unwrap());
    assert_eq!(cause, CancelCause::Deadline);
}

#[test]
fn child_of_replaces_the_ambient_parent() {
    let (ambient, parent) = (CancelToken::new(), CancelToken::new());
    ambient.as_ambient(|| {
        Options::new().child_of(&parent).run(|s| {
            let token = s.cancel_token();
            ambient.cancel();
            assert!(is_cancelled_by(&token, &parent));
        });
    });
}
