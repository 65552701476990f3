//! `#[must_cleanup] impl Drop`: panics of the destructor are contained during an unwind.

use backstop::{EventKind, Outcome, must_cleanup};
use backstop_tests::{Log, Noisy, caught, with_events};

fn fails(log: &Log, what: &str) {
    log.note(what);
    assert!(std::hint::black_box(false), "{what}");
}

struct Session<'a> {
    log: &'a Log,
    fails: bool,
    buffer: Vec<u8>,
}

#[must_cleanup]
impl Drop for Session<'_> {
    fn drop(&mut self) {
        #[cleanup(self.log.note("cleanup-of-drop"))]
        let _closed = 0;
        self.buffer.clear();
        if !self.fails {
            self.log.note("closed");
            return;
        }
        fails(self.log, "flush");
        self.log.note("not reached");
    }
}

fn session(log: &Log, fails: bool) -> Session<'_> {
    Session { log, fails, buffer: vec![1] }
}

#[test]
fn a_destructor_that_succeeds_is_as_before() {
    let log = Log::new();
    let ((), events) = with_events(|| drop(session(&log, false)));
    assert_eq!(log.take(), "closed cleanup-of-drop");
    assert!(events.is_empty());
}

#[test]
fn a_panic_of_the_destructor_goes_on_where_nothing_unwinds() {
    let log = Log::new();
    let (result, events) = with_events(|| caught(|| drop(session(&log, true))));
    assert_eq!(result, Err("flush".to_owned()));
    assert_eq!(log.take(), "flush cleanup-of-drop");
    assert_eq!(events.len(), 1);
}

#[test]
fn panics_of_destructors_during_an_unwind_are_contained_and_seen() {
    let log = Log::new();
    let (result, events) = with_events(|| {
        caught(|| {
            let _one = session(&log, true);
            let _two = session(&log, false);
            let _three = session(&log, true);
            panic!("body");
        })
    });
    assert_eq!(result, Err::<(), _>("body".to_owned()));
    assert_eq!(log.take(), "flush cleanup-of-drop closed cleanup-of-drop flush cleanup-of-drop");
    assert_eq!(events.len(), 2);
    for event in events {
        assert_eq!((event.kind, event.outcome), (EventKind::CleanupPanicked, Outcome::Unwind));
        assert_eq!((event.message.as_str(), event.location.file()), ("flush", file!()));
    }
}

/// The fields of a value are dropped even where its own destructor was contained.
struct WithFields<'a>(Noisy<'a>, &'a Log);

#[must_cleanup]
impl Drop for WithFields<'_> {
    fn drop(&mut self) {
        fails(self.1, self.0.name());
    }
}

#[test]
fn fields_are_dropped_after_a_contained_destructor() {
    let log = Log::new();
    let result = caught(|| {
        let _value = WithFields(Noisy(&log, "field"), &log);
        panic!("body");
    });
    assert_eq!(result, Err::<(), _>("body".to_owned()));
    assert_eq!(log.take(), "field field");
}

struct Generic<T: Clone>(T, fn(T) -> bool);

#[must_cleanup]
impl<T: Clone> Drop for Generic<T> {
    fn drop(&mut self) {
        let Self(value, check) = self;
        if check(value.clone()) {
            return;
        }
        let number: Option<u8> = None;
        let Some(_) = number else { return };
    }
}

#[test]
fn a_generic_destructor_keeps_its_early_returns() {
    let log = Log::new();
    drop(Generic(&log, |log| {
        log.note("checked");
        true
    }));
    assert_eq!(log.take(), "checked");
}
