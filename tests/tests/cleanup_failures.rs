//! Failed cleanups are seen: what the observer is told of each.

use std::fmt;

use backstop::{EventKind, Outcome, must_cleanup};
use backstop_tests::{caught, with_events};

/// Shows itself differently by `Display` and by `Debug`.
#[derive(Debug)]
struct Both;
impl fmt::Display for Both {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("both, displayed")
    }
}

#[derive(Debug)]
struct DebugOnly(#[allow(dead_code, reason = "printed by Debug")] u8);

struct DisplayOnly;
impl fmt::Display for DisplayOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("display only")
    }
}

fn fails<E>(error: E) -> Result<(), E> {
    Err(error)
}

#[must_cleanup]
fn each_kind() {
    #[cleanup(fails(Both))]
    let _both = 0;
    #[cleanup(fails(DebugOnly(1)))]
    let _debug = 0;
    #[cleanup(fails(DisplayOnly))]
    let _display = 0;
    #[cleanup(fails::<Box<dyn std::error::Error>>("boxed".into()))]
    let _boxed = 0;
    #[cleanup("x".parse::<u8>())]
    let _value = 0;
    #[cleanup(Ok::<u8, Both>(1))]
    let _succeeds = 0;
    #[cleanup(fails("a str"), on = error)]
    let _not_run = 0;
}

#[test]
fn an_err_is_told_by_display_where_there_is_one_else_by_debug() {
    let ((), events) = with_events(each_kind);
    let seen: Vec<_> = events.iter().map(|e| (e.name.as_str(), e.message.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("_value", "invalid digit found in string"),
            ("_boxed", "boxed"),
            ("_display", "display only"),
            ("_debug", "DebugOnly(1)"),
            ("_both", "both, displayed"),
        ]
    );
    assert!(events.iter().all(|event| event.kind == EventKind::CleanupFailed));
}

#[must_cleanup]
fn generic<E: fmt::Debug>(error: E) {
    #[cleanup(fails(error))]
    let _generic = 0;
}

#[must_cleanup]
fn generic_display<E: fmt::Display>(error: E) {
    #[cleanup(fails(error))]
    let _generic = 0;
}

#[test]
fn a_generic_error_is_told_by_the_bound_it_has() {
    let ((), events) = with_events(|| {
        generic(Both);
        generic_display(Both);
    });
    let messages: Vec<_> = events.iter().map(|event| event.message.as_str()).collect();
    assert_eq!(messages, ["Both", "both, displayed"]);
}

const DECLARED: u32 = line!() + 3;
#[must_cleanup]
fn placed(case: u8) -> Result<u8, String> {
    #[cleanup(fails(Both))]
    let value = case;
    #[cleanup(fails(Both), name = "named")]
    let _named = 0;
    #[cleanup(fails(Both))]
    let _unused = value.checked_add(1);
    #[cleanup(fails(Both))]
    assert_ne!(case, 9);
    backstop::defer! { fails(Both) }
    backstop::defer!(name = "deferred", fails(Both));
    match case {
        1 => Err("case 1".to_owned()),
        2 => panic!("case 2"),
        _ => Ok(*value),
    }
}

#[test]
fn an_event_has_name_place_outcome_and_thread() {
    let expected = [
        (DECLARED, "value"),
        (DECLARED + 2, "named"),
        (DECLARED + 4, "_unused"),
        (DECLARED + 9, "deferred"),
    ];
    for (case, outcome) in [(0, Outcome::Success), (1, Outcome::Error), (2, Outcome::Unwind)] {
        let (_, events) = with_events(|| caught(|| placed(case)));
        assert_eq!(events.len(), 6);
        let lines: Vec<_> = events.iter().rev().map(|event| event.location.line()).collect();
        let offsets = [0, 2, 4, 6, 8, 9];
        assert_eq!(lines, offsets.map(|offset| DECLARED + offset));
        for (line, name) in expected {
            let event = events.iter().find(|event| event.location.line() == line).unwrap();
            assert_eq!(event.name, name);
        }
        for event in &events {
            assert_eq!(event.kind, EventKind::CleanupFailed);
            assert_eq!(event.outcome, outcome);
            assert_eq!(event.message, "both, displayed");
            assert_eq!(event.location.file(), file!());
            assert_eq!(event.thread, std::thread::current().id());
            assert_eq!(event.thread_name.as_deref(), std::thread::current().name());
        }
    }
}

#[test]
fn the_default_name_of_a_statements_cleanup_is_its_text() {
    #[must_cleanup]
    fn named_by_text() {
        #[cleanup(fails::<Box<Both>>(Box::new(Both)))]
        assert_eq!(1, 1);
        backstop::defer!(fails("text"));
    }
    let ((), events) = with_events(named_by_text);
    let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, [r#"fails("text")"#, "fails::<Box<Both>>(Box::new(Both))"]);
}

#[test]
fn an_event_names_the_thread_that_it_happened_on() {
    let ((), events) = with_events(|| {
        let thread = std::thread::Builder::new().name("worker".to_owned());
        let events = thread.spawn(|| with_events(each_kind).1).unwrap().join().unwrap();
        assert!(events.iter().all(|event| event.thread_name.as_deref() == Some("worker")));
        assert!(events.iter().all(|event| event.thread != std::thread::current().id()));
        assert_eq!(events.len(), 5);
    });
    assert!(events.is_empty());
}

/// A failure is reported and changes nothing: not the value, not the other cleanups' outcome.
#[test]
fn a_failed_cleanup_changes_nothing_but_what_is_seen() {
    let (result, _) = with_events(|| placed(7));
    assert_eq!(result, Ok(7));
}

#[test]
fn an_event_shows_itself_in_one_line() {
    let ((), events) = with_events(each_kind);
    let event = &events[1];
    let place = format!("{}:{}:{}", file!(), event.location.line(), event.location.column());
    let thread = std::thread::current().name().unwrap().to_owned();
    assert_eq!(
        event.to_string(),
        format!("cleanup `_boxed` failed on success at {place} in thread `{thread}`: boxed")
    );
}
