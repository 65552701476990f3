//! Cleanups that never return, in a file of their own: their expressions have the type `!`.

#![deny(warnings)]

use backstop::must_cleanup;
use backstop_tests::{Log, caught, with_events};

fn die(why: &str) -> ! {
    panic!("{why}")
}

#[must_cleanup(unwinds(die))]
fn diverging(log: &Log, first: bool) {
    #[cleanup(log.note("last"))]
    let _last = 0;
    #[cleanup(die("call"))]
    let _call = 0;
    #[cleanup(if first { die("one arm") } else { die("the other") })]
    let _arms = 0;
    #[cleanup({ die("statement"); })]
    log.note("body");
}

#[test]
fn a_cleanup_may_diverge_by_any_call_that_unwinds() {
    let log = Log::new();
    let (result, events) = with_events(|| caught(|| diverging(&log, true)));
    assert_eq!((result, log.take().as_str()), (Err("statement".to_owned()), "body last"));
    let messages: Vec<_> = events.iter().map(|event| event.message.as_str()).collect();
    assert_eq!(messages, ["statement", "one arm", "call"]);
}
