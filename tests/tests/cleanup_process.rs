//! What can only be seen from outside of a process: that it does not abort, and what it prints.
//!
//! Each test runs this executable again with an environment variable that says which part to play.

use std::panic::panic_any;

use backstop::must_cleanup;
use backstop_tests::part::{is_part, lines, play, stderr_of};
use backstop_tests::{Log, caught};

struct Explosive;
impl Drop for Explosive {
    fn drop(&mut self) {
        panic!("a payload's destructor");
    }
}

#[must_cleanup]
fn explosive_payloads(log: &Log) {
    #[cleanup(log.note("first"))]
    let _first = 0;
    #[cleanup(panic_any(Explosive))]
    let _explosive = 0;
    #[cleanup(log.note("second"))]
    let _second = 0;
    #[cleanup(panic_any(Explosive))]
    let _explosive_too = 0;
    panic!("body");
}

#[test]
fn a_payload_whose_destructor_panics_does_not_abort() {
    let part = "a_payload_whose_destructor_panics_does_not_abort";
    if is_part(part) {
        let log = Log::new();
        assert_eq!(caught(|| explosive_payloads(&log)), Err("body".to_owned()));
        assert_eq!(log.take(), "second first");
    } else {
        assert_eq!(lines(&stderr_of(part)).len(), 2);
    }
}

#[must_cleanup]
fn failing(fails: bool) {
    #[cleanup(if fails { Err("connection reset") } else { Ok(()) })]
    let _connection = 0;
    #[cleanup(if fails { Err("over\nmore lines") } else { Ok(()) })]
    let _log = 0;
}

#[test]
fn the_default_observer_prints_one_line_on_stderr_for_each_failure() {
    let part = "the_default_observer_prints_one_line_on_stderr_for_each_failure";
    if is_part(part) {
        failing(false);
        failing(true);
    } else {
        let stderr = stderr_of(part);
        let lines = lines(&stderr);
        assert_eq!(lines.len(), 2, "{stderr}");
        let line = lines[1];
        let begin = "backstop: cleanup `_connection` failed on success at ";
        assert!(line.starts_with(begin) && line.ends_with(": connection reset"), "{line}");
        assert!(line.contains(file!()), "{line}");
        assert_eq!(stderr.lines().filter(|line| !line.is_empty()).count(), 2, "{stderr}");
    }
}

#[must_cleanup]
fn panicking() {
    #[cleanup(panic!("contained"))]
    let _panics = 0;
    panic!("body");
}

#[test]
fn a_contained_panic_is_printed_too() {
    let part = "a_contained_panic_is_printed_too";
    if is_part(part) {
        assert_eq!(caught(panicking), Err("body".to_owned()));
    } else {
        let stderr = stderr_of(part);
        let [line] = lines(&stderr)[..] else { panic!("{stderr}") };
        assert!(line.starts_with("backstop: cleanup `_panics` panicked on unwind at "), "{line}");
        assert!(line.ends_with(": contained"), "{line}");
    }
}

#[test]
fn a_panicking_observer_does_not_abort_and_the_event_is_printed_instead() {
    let part = "a_panicking_observer_does_not_abort_and_the_event_is_printed_instead";
    if is_part(part) {
        backstop::set_observer(|_| panic_any(Explosive));
        assert_eq!(caught(panicking), Err("body".to_owned()));
        assert_eq!(caught(|| failing(true)), Ok(()));
    } else {
        let stderr = stderr_of(part);
        let lines = lines(&stderr);
        assert!(lines[0].ends_with(": contained"), "{stderr}");
        assert_eq!(lines.len(), 3, "{stderr}");
    }
}

#[must_cleanup]
fn cleaning_observer() {
    #[cleanup(Err::<(), _>("the observer's own"))]
    let _own = 0;
}

#[test]
fn an_observer_may_itself_run_cleanups_that_fail() {
    let part = "an_observer_may_itself_run_cleanups_that_fail";
    if is_part(part) {
        backstop::set_observer(|event| {
            if event.message == "the observer's own" {
                eprintln!("seen: {}", event.message);
            } else {
                eprintln!("seen: {}", event.message);
                cleaning_observer();
                backstop::set_observer(|event| eprintln!("replaced: {}", event.message));
            }
        });
        assert_eq!(caught(panicking), Err("body".to_owned()));
        cleaning_observer();
    } else {
        let stderr = stderr_of(part);
        let seen: Vec<_> = stderr
            .lines()
            .filter(|line| line.starts_with("seen") || line.starts_with("replaced"))
            .collect();
        let expected =
            ["seen: contained", "seen: the observer's own", "replaced: the observer's own"];
        assert_eq!(seen, expected, "{stderr}");
        assert!(lines(&stderr).is_empty(), "{stderr}");
    }
}

/// Control: the very same panics in plain destructors do abort.
struct Plain;
impl Drop for Plain {
    fn drop(&mut self) {
        panic!("plain destructor");
    }
}

#[test]
fn without_containment_the_process_would_abort() {
    let part = "without_containment_the_process_would_abort";
    if is_part(part) {
        let _ = caught(|| {
            let _plain = Plain;
            panic!("body");
        });
    } else {
        let output = play(part);
        assert_eq!(output.status.code(), None, "ended by a signal: {:?}", output.status);
    }
}
