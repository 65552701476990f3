//! Promises of the README that no example shows.

use std::cell::RefCell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use backstop::must_cleanup;

type Log = RefCell<Vec<&'static str>>;

/// What a generic function does with whatever it is given is its own affair.
fn forget<T>(value: T) {
    mem::forget(value);
}

#[test]
fn whatever_is_done_with_the_name_the_cleanup_runs_at_the_end_of_the_block() {
    #[must_cleanup]
    fn forgotten(log: &Log) {
        #[cleanup(log.borrow_mut().push("forgotten"))]
        let value = String::new();
        forget(value);
        log.borrow_mut().push("body");
    }
    #[must_cleanup]
    fn rebound(log: &Log) {
        #[cleanup(log.borrow_mut().push("rebound"))]
        let value = String::new();
        let value = vec![value];
        log.borrow_mut().push("body");
        forget(value);
    }
    #[must_cleanup]
    fn moved(log: &Log) {
        #[cleanup(log.borrow_mut().push("moved"))]
        let value = String::new();
        let closure = move || value.len();
        forget(closure);
        log.borrow_mut().push("body");
    }
    let log = Log::default();
    forgotten(&log);
    rebound(&log);
    moved(&log);
    assert_eq!(log.take(), ["body", "forgotten", "body", "rebound", "body", "moved"]);
}

#[test]
fn a_panic_in_a_destructor_during_a_panic_is_contained() {
    struct Noisy<'a>(&'a Log);
    #[must_cleanup]
    impl Drop for Noisy<'_> {
        fn drop(&mut self) {
            flush(self.0);
        }
    }
    fn flush(log: &Log) {
        log.borrow_mut().push("noisy");
        panic!("cannot flush");
    }
    let log = Log::default();
    let payload = catch_unwind(AssertUnwindSafe(|| {
        let _first = Noisy(&log);
        let _second = Noisy(&log);
        panic!("the first one");
    }))
    .unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"the first one"));
    assert_eq!(log.take(), ["noisy", "noisy"]);
}
