//! Cleanups that panic: the rest still runs, the first payload survives, nothing aborts.

#![allow(clippy::manual_assert, reason = "panics are spelled out")]

use std::panic::panic_any;

use backstop::{EventKind, Outcome, must_cleanup};
use backstop_tests::{Log, Noisy, caught, with_events};

fn messages(events: &[backstop::Event]) -> Vec<&str> {
    assert!(events.iter().all(|event| event.kind == EventKind::CleanupPanicked));
    events.iter().map(|event| event.message.as_str()).collect()
}

#[must_cleanup]
fn on_success(log: &Log) -> Result<(), String> {
    #[cleanup(log.note("outer-unwind"), on = unwind)]
    let _outer_unwind = 0;
    #[cleanup(log.note("outer-success"), on = success)]
    let _outer_success = 0;
    {
        #[cleanup(log.note("inner-always"))]
        let _inner_always = Noisy(log, "value");
        #[cleanup(log.note("inner-success"), on = success)]
        let _inner_success = 0;
        #[cleanup(panic!("cleanup"))]
        let _panics = 0;
        #[cleanup(log.note("before-success"), on = success)]
        let _before = 0;
    }
    log.note("not reached");
    Ok(())
}

#[test]
fn a_cleanup_that_panics_on_success_turns_the_rest_into_an_unwind_in_every_block() {
    let log = Log::new();
    let (result, events) = with_events(|| caught(|| on_success(&log)));
    assert_eq!(result, Err("cleanup".to_owned()));
    assert_eq!(log.take(), "before-success inner-always value outer-unwind");
    assert_eq!(messages(&events), ["cleanup"]);
    assert_eq!(events[0].outcome, Outcome::Success);
}

#[must_cleanup]
fn on_error(log: &Log, early: bool) -> Result<(), String> {
    #[cleanup(log.note("unwind"), on = unwind)]
    let _unwind = 0;
    #[cleanup(log.note("error"), on = error)]
    let _error = 0;
    #[cleanup(panic!("cleanup"), on = error)]
    let _panics = 0;
    if early {
        Err("early")?;
    }
    Err("late".to_owned())
}

#[test]
fn a_cleanup_that_panics_on_error_turns_the_rest_into_an_unwind() {
    for early in [true, false] {
        let log = Log::new();
        assert_eq!(caught(|| on_error(&log, early)), Err("cleanup".to_owned()));
        assert_eq!(log.take(), "unwind");
    }
}

#[must_cleanup]
fn in_a_loop(log: &Log) {
    #[cleanup(log.note("function-unwind"), on = unwind)]
    let _function = 0;
    for turn in 0..3 {
        #[cleanup(log.note(format!("turn-{turn}-unwind")), on = unwind)]
        let _unwind = 0;
        #[cleanup(if turn == 1 { panic!("turn 1") })]
        let _panics = 0;
        if turn == 1 {
            continue;
        }
    }
}

#[test]
fn a_cleanup_that_panics_at_the_end_of_a_turn_leaves_the_loop() {
    let log = Log::new();
    assert_eq!(caught(|| in_a_loop(&log)), Err("turn 1".to_owned()));
    assert_eq!(log.take(), "turn-1-unwind function-unwind");
}

#[must_cleanup]
fn first(log: &Log, count: u8) {
    #[cleanup(log.note("first"))]
    let _first = Noisy(log, "value-1");
    #[cleanup(if count > 2 { panic!("third") })]
    let _third = 0;
    {
        #[cleanup(log.note("second"), on = unwind)]
        let _second = Noisy(log, "value-2");
        #[cleanup(if count > 1 { panic!("second") })]
        let _second_panics = Noisy(log, "value-3");
        #[cleanup(if count > 0 { panic!("first") })]
        let _first_panics = 0;
        #[cleanup(log.note("third"))]
        let _third = 0;
        panic!("body");
    }
}

#[test]
fn cleanups_that_panic_during_an_unwind_do_not_abort_and_the_first_payload_survives() {
    let all = ["first", "second", "third"];
    for count in 0..=3_u8 {
        let log = Log::new();
        let (result, events) = with_events(|| caught(|| first(&log, count)));
        assert_eq!(result, Err("body".to_owned()));
        assert_eq!(log.take(), "third value-3 second value-2 first value-1", "{count}");
        assert_eq!(messages(&events), all[..usize::from(count)]);
        assert!(events.iter().all(|event| event.outcome == Outcome::Unwind));
    }
}

struct Explodes<'a>(&'a Log);
impl Drop for Explodes<'_> {
    fn drop(&mut self) {
        self.0.note("destructor");
        panic!("destructor");
    }
}

#[must_cleanup]
fn value_that_panics(log: &Log, unwinding: bool) {
    #[cleanup(log.note("outer-unwind"), on = unwind)]
    let _outer = 0;
    #[cleanup(log.note("never"), on = error)]
    let _value = Explodes(log);
    #[cleanup(log.note("inner-unwind"), on = unwind)]
    let _inner = 0;
    assert!(!unwinding, "body");
}

#[test]
fn the_destructor_of_a_value_whose_cleanup_does_not_run_is_contained_too() {
    let log = Log::new();
    assert_eq!(caught(|| value_that_panics(&log, false)), Err("destructor".to_owned()));
    assert_eq!(log.take(), "destructor outer-unwind");
    let (result, events) = with_events(|| caught(|| value_that_panics(&log, true)));
    assert_eq!(result, Err("body".to_owned()));
    assert_eq!(log.take(), "inner-unwind destructor outer-unwind");
    assert_eq!(messages(&events), ["destructor"]);
}

#[must_cleanup]
fn value_that_panics_after_its_cleanup(log: &Log) {
    #[cleanup(log.note("outer"))]
    let _outer = 0;
    #[cleanup({ log.note("cleanup"); drop(value) })]
    let value = Explodes(log);
    panic!("body");
}

#[test]
fn the_destructor_of_a_value_that_its_cleanup_consumes_is_contained_too() {
    let log = Log::new();
    let result = caught(|| value_that_panics_after_its_cleanup(&log));
    assert_eq!((result, log.take().as_str()), (Err("body".to_owned()), "cleanup destructor outer"));
}

#[must_cleanup]
fn payloads(log: &Log) {
    #[cleanup(log.note("last"))]
    let _last = 0;
    #[cleanup(panic_any(3_u8))]
    let _any = 0;
    #[cleanup(panic!("formatted {}", 4))]
    let _formatted = 0;
    #[cleanup(std::panic::resume_unwind(Box::new("resumed")))]
    let _resumed = 0;
    panic!("body");
}

#[test]
fn payloads_of_every_type_are_contained() {
    let log = Log::new();
    let (result, events) = with_events(|| caught(|| payloads(&log)));
    assert_eq!((result, log.take().as_str()), (Err("body".to_owned()), "last"));
    assert_eq!(messages(&events), ["resumed", "formatted 4", "Box<dyn Any>"]);
}

#[test]
fn a_payload_that_goes_on_is_the_one_that_the_cleanup_panicked_with() {
    #[must_cleanup]
    fn panics_with_a_number() {
        #[cleanup(panic_any(42_u8))]
        let _any = 0;
    }
    let payload = std::panic::catch_unwind(panics_with_a_number).unwrap_err();
    assert_eq!(payload.downcast_ref::<u8>(), Some(&42));
}

#[must_cleanup]
fn inner(log: &Log) {
    #[cleanup(log.note("inner-unwind"), on = unwind)]
    let _unwind = 0;
    #[cleanup(panic!("inner cleanup"))]
    let _panics = 0;
}

#[must_cleanup]
fn outer(log: &Log) -> Option<u8> {
    #[cleanup(log.note("outer-unwind"), on = unwind)]
    let _unwind = 0;
    #[cleanup({ log.note("nested"); inner(log); log.note("not reached") })]
    let _calls = 0;
    None
}

#[test]
fn a_cleanup_that_calls_a_function_whose_cleanup_panics_is_a_cleanup_that_panics() {
    let log = Log::new();
    let (result, events) = with_events(|| caught(|| outer(&log)));
    assert_eq!(result, Err("inner cleanup".to_owned()));
    assert_eq!(log.take(), "nested inner-unwind outer-unwind");
    assert_eq!(messages(&events), ["inner cleanup", "inner cleanup"]);
    assert_eq!(events[1].outcome, Outcome::Error);
}

#[must_cleanup]
fn outer_unwinding(log: &Log) {
    #[cleanup(log.note("outer"))]
    let _outer = 0;
    #[cleanup({ log.note("nested"); inner(log); log.note("reached") })]
    let _calls = 0;
    panic!("body");
}

/// The inner cleanup is contained on its own: the cleanup that called the function goes on.
#[test]
fn a_cleanup_inside_a_cleanup_during_an_unwind_is_contained_there() {
    let log = Log::new();
    let (result, events) = with_events(|| caught(|| outer_unwinding(&log)));
    assert_eq!(result, Err("body".to_owned()));
    assert_eq!(messages(&events), ["inner cleanup"]);
    assert!(log.take().ends_with("reached outer"));
}
