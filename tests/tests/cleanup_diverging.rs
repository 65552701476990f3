//! Cleanups that never return: their expressions have the type `!`.

#![deny(warnings)]

use backstop::must_cleanup;
use backstop_tests::{Log, caught, with_events};

fn die(why: &str) -> ! {
    panic!("{why}")
}

#[must_cleanup(unwinds(die))]
fn diverging(log: &Log) {
    #[cleanup(log.note("last"))]
    let _last = 0;
    #[cleanup(die("on a let"))]
    let _call = 0;
    #[cleanup(die("on a statement"))]
    log.note("body");
}

#[test]
fn a_cleanup_may_diverge_by_a_call_that_unwinds() {
    let log = Log::new();
    let (result, events) = with_events(|| caught(|| diverging(&log)));
    assert_eq!((result, log.take().as_str()), (Err("on a statement".to_owned()), "body last"));
    let messages: Vec<_> = events.iter().map(|event| event.message.as_str()).collect();
    assert_eq!(messages, ["on a statement", "on a let"]);
}
