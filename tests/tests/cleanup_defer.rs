//! `defer!`: with and without the attribute, as a block and as an expression, with options.

#![allow(clippy::manual_assert, reason = "panics are spelled out")]

use backstop::{Outcome, defer, must_cleanup};
use backstop_tests::{Log, caught, with_events};

fn without_attribute(log: &Log, case: u8) -> Option<u8> {
    defer! {
        log.note("block-1");
        log.note("block-2");
    }
    defer!(log.note("expression"));
    backstop::defer! { log.note("by-path") }
    if case == 1 {
        None?;
    }
    if case == 2 {
        panic!("case 2");
    }
    for turn in 0..2 {
        defer!(log.note(turn.to_string()));
    }
    Some(case)
}

#[must_cleanup]
fn with_attribute(log: &Log, case: u8) -> Option<u8> {
    defer! {
        log.note("block-1");
        log.note("block-2");
    }
    defer!(log.note("expression"));
    backstop::defer! { log.note("by-path") }
    if case == 1 {
        None?;
    }
    if case == 2 {
        panic!("case 2");
    }
    for turn in 0..2 {
        defer!(log.note(turn.to_string()));
    }
    Some(case)
}

#[test]
fn defer_runs_on_every_way_out_with_and_without_the_attribute() {
    for function in [without_attribute, with_attribute] {
        let log = Log::new();
        assert_eq!(function(&log, 0), Some(0));
        assert_eq!(log.take(), "0 1 by-path expression block-1 block-2");
        assert_eq!(function(&log, 1), None);
        assert_eq!(log.take(), "by-path expression block-1 block-2");
        caught(|| function(&log, 2)).unwrap_err();
        assert_eq!(log.take(), "by-path expression block-1 block-2");
    }
}

#[must_cleanup]
fn with_options(log: &Log, case: u8) -> Result<(), String> {
    defer!(on = failure, log.note("failure"));
    defer!(on = success, log.note("success"));
    defer! { on = [error, unwind], log.note("list-1"); log.note("list-2"); }
    defer!(on = unwind, name = "named", log.note("unwind"));
    match case {
        1 => Err("case 1".to_owned()),
        2 => panic!("case 2"),
        _ => Ok(()),
    }
}

#[test]
fn defer_with_on_runs_for_these_outcomes_only() {
    let log = Log::new();
    with_options(&log, 0).unwrap();
    assert_eq!(log.take(), "success");
    with_options(&log, 1).unwrap_err();
    assert_eq!(log.take(), "list-1 list-2 failure");
    caught(|| with_options(&log, 2)).unwrap_err();
    assert_eq!(log.take(), "unwind list-1 list-2 failure");
}

#[must_cleanup]
fn at_the_end(log: &Log) {
    defer!(on = success, log.note("success"));
    defer!(on = failure, log.note("failure"));
    log.note("body");
    {
        defer!(on = success, log.note("inner-success"));
        defer! { log.note("inner-last") }
    }
    defer! { log.note("last") }
}

#[test]
fn a_block_that_ends_with_a_defer_is_a_success() {
    let log = Log::new();
    at_the_end(&log);
    assert_eq!(log.take(), "body inner-last inner-success last success");
}

#[must_cleanup]
fn configured(log: &Log) {
    #[cfg(any())]
    defer! { log.note("never") }
    #[cfg(any())]
    defer!(log.note("never"));
    #[cfg(panic = "unwind")]
    defer! { log.note("deferred") }
    log.note("body");
}

#[test]
fn a_defer_that_is_configured_out_is_gone() {
    let log = Log::new();
    configured(&log);
    assert_eq!(log.take(), "body deferred");
}

/// Arguments are read when the body runs: the last value counts.
#[test]
fn defer_borrows_what_it_names_and_reads_it_when_it_runs() {
    let steps = std::cell::Cell::new(1);
    {
        defer! { steps.set(steps.get() * 10) }
        steps.set(steps.get() + 1);
    }
    assert_eq!(steps.get(), 20);
}

#[test]
fn defer_takes_what_it_consumes() {
    let log = Log::new();
    let text = String::from("moved");
    {
        defer! { log.note(text) }
        log.note("body");
    }
    assert_eq!(log.take(), "body moved");
}

#[test]
fn a_defer_in_a_closure_ends_with_the_closure() {
    let log = Log::new();
    let call = || {
        defer! { log.note("deferred") }
        log.note("body");
    };
    call();
    log.note("between");
    call();
    assert_eq!(log.take(), "body deferred between body deferred");
}

#[test]
fn a_defer_that_panics_during_an_unwind_is_contained_without_the_attribute() {
    let log = Log::new();
    let ((), events) = with_events(|| {
        let message = caught(|| {
            defer! { log.note("first") }
            defer! { panic!("second panic") }
            defer! { panic!("third panic") }
            panic!("first panic");
        });
        assert_eq!(message, Err("first panic".to_owned()));
    });
    assert_eq!(log.take(), "first");
    let seen: Vec<_> = events.iter().map(|e| (e.message.as_str(), e.outcome)).collect();
    assert_eq!(seen, [("third panic", Outcome::Unwind), ("second panic", Outcome::Unwind)]);
}

#[must_cleanup]
fn failing(_log: &Log) {
    defer!(Err::<(), _>("failed"));
    defer! { let text = format!("also {}", "failed"); Err::<(), String>(text) }
}

#[test]
fn a_defer_that_ends_with_err_is_a_failed_cleanup() {
    let log = Log::new();
    let ((), events) = with_events(|| failing(&log));
    let messages: Vec<_> = events.iter().map(|event| event.message.as_str()).collect();
    assert_eq!(messages, ["also failed", "failed"]);
}
