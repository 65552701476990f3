//! Part C of docs/pitfalls.md, as far as threads go. Test names begin with the row.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::thread;

use backstop::{cancel_token, must_cleanup, scoped_spawn};
use backstop_tests::caught;

#[must_cleanup]
fn locked(balance: &Mutex<i32>, by: i32) {
    let mut locked = balance.lock().unwrap_or_else(PoisonError::into_inner);
    let before = *locked;
    #[cleanup(*balance = before, on = failure)]
    let mut balance = &mut *locked;
    **balance += by;
    assert!(**balance >= 0, "overdrawn");
}

#[scoped_spawn]
fn transfer(balance: &Mutex<i32>) -> i32 {
    let worker = thread::spawn(|| locked(balance, -10));
    drop(worker);
    7
}

#[test]
fn c6_a_panic_in_a_thread_is_the_parents_and_leaves_no_lock_held() {
    let balance = Mutex::new(3);
    assert_eq!(caught(|| transfer(&balance)), Err("overdrawn".to_owned()));
    assert!(balance.is_poisoned());
    assert!(
        matches!(balance.try_lock(), Err(TryLockError::Poisoned(held)) if **held.get_ref() == 3)
    );
    locked(&balance, 2);
    assert_eq!(balance.into_inner().unwrap_or_else(PoisonError::into_inner), 5);
}

/// Children that end by every way, none of which counts down anything.
#[scoped_spawn(on_failure = wait)]
fn without_a_counter(ended: &AtomicUsize, children: usize) -> Option<usize> {
    for child in 0..children {
        thread::spawn(move || every_way_out(ended, child));
    }
    if children == 3 {
        return None;
    }
    Some(children)
}

#[must_cleanup]
fn every_way_out(ended: &AtomicUsize, child: usize) -> Result<(), String> {
    #[cleanup({ ended.fetch_add(1, Ordering::Relaxed); })]
    let child = child;
    match *child % 4 {
        0 => Ok(()),
        1 => Err("forgot to say that it is done".to_owned()),
        2 => {
            thread::yield_now();
            Ok(())
        }
        _ => panic!("skipped the end"),
    }
}

#[test]
fn c7_every_child_is_waited_for_with_no_counter_to_forget() {
    for (children, result) in [(0, Ok(Some(0))), (2, Ok(Some(2))), (3, Ok(None))] {
        let ended = AtomicUsize::new(0);
        assert_eq!(caught(|| without_a_counter(&ended, children)), result);
        assert_eq!(ended.into_inner(), children);
    }
    let ended = AtomicUsize::new(0);
    assert_eq!(caught(|| without_a_counter(&ended, 64)), Err("skipped the end".to_owned()));
    assert_eq!(ended.into_inner(), 64);
}

/// With the default, a failed child cancels the others, which end because they look.
#[scoped_spawn]
fn siblings(cleaned: &AtomicUsize) {
    for child in 0..4 {
        thread::spawn(move || waits_or_fails(cleaned, child));
    }
}

#[must_cleanup]
fn waits_or_fails(cleaned: &AtomicUsize, child: usize) {
    #[cleanup({ cleaned.fetch_add(1, Ordering::Relaxed); })]
    let child = child;
    assert!(*child != 3, "child 3");
    cancel_token().wait();
}

#[test]
fn c6_the_siblings_of_a_failed_thread_are_cancelled_and_clean_up() {
    let cleaned = AtomicUsize::new(0);
    assert_eq!(caught(|| siblings(&cleaned)), Err("child 3".to_owned()));
    assert_eq!(cleaned.into_inner(), 4);
}
