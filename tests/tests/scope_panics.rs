//! Panics in scopes: which one is resumed, what becomes of the others, and that none is lost.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, mpsc};
use std::thread;

use backstop::scope::{OnFailure, Options, Scope};
use backstop::{Event, EventKind, Outcome, cancel_token};

/// The observer is the process's; each test looks for the children that it named.
static EVENTS: LazyLock<Mutex<Vec<Event>>> = LazyLock::new(|| {
    backstop::set_observer(|event| EVENTS.lock().unwrap().push(event.clone()));
    Mutex::default()
});

/// The events of children whose names begin so, as (name, line, message).
fn events(prefix: &str) -> Vec<(String, u32, String)> {
    let events = EVENTS.lock().unwrap();
    let named = events.iter().filter(|event| event.name.starts_with(prefix));
    named.map(|e| (e.name.clone(), e.location.line(), e.message.clone())).collect()
}

fn body_events_at(line: u32) -> Vec<String> {
    let events = EVENTS.lock().unwrap();
    let bodies = events.iter().filter(|e| e.name == "<body>" && e.location.line() == line);
    bodies.map(|event| event.message.clone()).collect()
}

/// What `f` panics with; a scope is what panics.
fn payload_of(f: impl FnOnce()) -> Box<dyn Any + Send> {
    LazyLock::force(&EVENTS);
    catch_unwind(AssertUnwindSafe(f)).expect_err("should have panicked")
}

fn message_of(f: impl FnOnce()) -> &'static str {
    payload_of(f).downcast_ref::<&'static str>().expect("a literal")
}

#[test]
fn first_panic_is_resumed_after_all_children_ended() {
    let ended = AtomicUsize::new(0);
    let message = message_of(|| {
        backstop::scope(|s| {
            s.spawn(|| panic!("first"));
            for _ in 0..3 {
                s.spawn(|| {
                    // Ends after the panic, which is what cancels it.
                    cancel_token().wait();
                    ended.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
    });
    assert_eq!((message, ended.into_inner()), ("first", 3));
}

#[test]
fn a_payload_of_any_type_is_resumed_as_it_was() {
    let payload = payload_of(|| {
        backstop::scope(|s| {
            s.spawn(|| panic_any(42_u8));
        });
    });
    assert_eq!(payload.downcast_ref(), Some(&42_u8));
}

#[test]
fn the_other_panics_are_events_with_their_names_and_lines() {
    let mut line = 0;
    let message = message_of(|| {
        backstop::scope(|s| {
            // The handles are kept: nothing is reported before it is known that nobody joins.
            let _first = s.child().name("others-first").spawn(|| panic!("first"));
            let _second = s.child().name("others-second").spawn(|| {
                cancel_token().wait();
                panic!("second {}", 1 + 1);
            });
            line = line!() - 4;
            let builder = thread::Builder::new().name("others-third".into());
            let _third = s.spawn_from(builder, || {
                cancel_token().wait();
                panic_any(3);
            });
        });
    });
    assert_eq!(message, "first");
    let mut events = events("others-");
    events.sort();
    let expected = [
        ("others-second".to_owned(), line, "second 2".to_owned()),
        ("others-third".to_owned(), line + 6, "Box<dyn Any>".to_owned()),
    ];
    assert_eq!(events, expected);
    let all = EVENTS.lock().unwrap();
    for event in all.iter().filter(|event| event.name.starts_with("others-")) {
        assert_eq!((event.kind, event.outcome), (EventKind::ChildPanicked, Outcome::Unwind));
        assert_ne!(event.thread, thread::current().id());
        assert_eq!(event.thread_name.as_ref(), Some(&event.name));
    }
}

#[test]
fn a_child_without_a_name_is_told_by_its_line() {
    let mut line = 0;
    message_of(|| {
        backstop::scope(|s| {
            s.spawn(|| panic!("first"));
            s.spawn(|| {
                cancel_token().wait();
                panic!("by its line");
            });
            line = line!() - 4;
        });
    });
    let unnamed = events("<unnamed>");
    assert!(unnamed.contains(&("<unnamed>".to_owned(), line, "by its line".to_owned())));
}

/// A scope may run for as long as the program does.
#[test]
fn a_later_panic_that_nobody_can_join_is_an_event_while_the_scope_runs_on() {
    let mut while_running = Vec::new();
    message_of(|| {
        Options::new().on_failure(OnFailure::Wait).run(|s| {
            for name in ["early-1", "early-2"] {
                let (go, wait) = mpsc::channel::<()>();
                let panics = move || {
                    let _ = wait.into_iter().count();
                    panic!("early");
                };
                drop(s.child().name(name).spawn(panics));
                // It panics only now, when its handle is gone.
                drop(go);
            }
            while events("early-").is_empty() {
                thread::yield_now();
            }
            while_running = events("early-");
        });
    });
    assert_eq!(while_running.len(), 1);
    assert_eq!(events("early-"), while_running);
}

#[test]
fn a_later_panic_is_an_event_once_its_handle_is_dropped() {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    message_of(|| {
        Options::new().on_failure(OnFailure::Wait).run(|s| {
            let children = ["dropped-1", "dropped-2"].map(|name| {
                let child = s.child().name(name).spawn(|| panic!("dropped"));
                while !child.is_finished() {
                    thread::yield_now();
                }
                child
            });
            before = events("dropped-");
            drop(children);
            after = events("dropped-");
        });
    });
    assert_eq!(before, []);
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].0, "dropped-2");
    assert_eq!(events("dropped-"), after);
}

#[test]
fn join_takes_the_payload_and_the_scope_returns() {
    let value = backstop::scope(|s| {
        let child = s.child().name("taken").spawn(|| panic!("taken"));
        let payload = child.join().unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"taken"));
        7
    });
    assert_eq!(value, 7);
    assert_eq!(events("taken"), []);
}

#[test]
fn a_payload_that_was_taken_is_not_the_first_any_more() {
    let message = message_of(|| {
        backstop::scope(|s| {
            let taken = s.spawn(|| panic!("taken"));
            s.spawn(|| {
                cancel_token().wait();
                panic!("second");
            });
            assert!(taken.join().is_err());
        });
    });
    assert_eq!(message, "second");
}

#[test]
fn the_payload_of_a_forgotten_handle_is_resumed() {
    let message = message_of(|| {
        backstop::scope(|s| std::mem::forget(s.spawn(|| panic!("not forgotten"))));
    });
    assert_eq!(message, "not forgotten");
}

#[test]
fn body_panic_waits_for_live_children_and_is_resumed() {
    let ended = AtomicUsize::new(0);
    let (go, wait) = mpsc::channel::<()>();
    let message = message_of(|| {
        backstop::scope(|s| {
            s.spawn(|| {
                let _ = wait.into_iter().count();
                assert!(cancel_token().wait() == backstop::CancelCause::SiblingFailed);
                ended.fetch_add(1, Ordering::Relaxed);
            });
            s.child().name("body-late").spawn(|| {
                cancel_token().wait();
                panic!("late");
            });
            // Dropped by the panic.
            let _go = go;
            panic!("body");
        });
    });
    assert_eq!((message, ended.into_inner()), ("body", 1));
    assert_eq!(events("body-late").len(), 1);
}

#[test]
fn a_body_that_panics_after_a_child_is_an_event() {
    let mut line = 0;
    let message = message_of(|| {
        line = line!() + 1;
        backstop::scope(|s| {
            s.spawn(|| panic!("child first"));
            s.cancel_token().wait();
            panic!("body second");
        });
    });
    assert_eq!(message, "child first");
    assert_eq!(body_events_at(line), ["body second"]);
}

#[test]
fn the_hook_runs_once_for_a_panic() {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref() == Some(&"hooked") {
            SEEN.fetch_add(1, Ordering::Relaxed);
        }
        before(info);
    }));
    message_of(|| {
        backstop::scope(|s| {
            s.spawn(|| panic!("hooked"));
        });
    });
    assert_eq!(SEEN.load(Ordering::Relaxed), 1);
}

/// Panics when dropped, with itself as the payload where `depth` is left.
struct Bomb {
    depth: usize,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        match self.depth {
            0 => panic!("bomb"),
            depth => resume_unwind(Box::new(Self { depth: depth - 1 })),
        }
    }
}

#[test]
fn payloads_whose_destructors_panic_do_not_abort() {
    let message = message_of(|| {
        backstop::scope(|s| {
            s.spawn(|| panic!("first"));
            for depth in 0..3 {
                s.child().name("bombs").spawn(move || {
                    cancel_token().wait();
                    panic_any(Bomb { depth });
                });
            }
        });
    });
    assert_eq!(message, "first");
    assert_eq!(events("bombs").len(), 3);
}

#[test]
fn a_result_whose_destructor_panics_is_a_panic_of_its_child() {
    let (go, wait) = mpsc::channel::<()>();
    let message = message_of(|| {
        backstop::scope(|s| {
            // Dropped by the child, whose handle is gone.
            s.child().name("result-first").spawn(move || {
                let _ = wait.into_iter().count();
                Bomb { depth: 0 }
            });
            drop(go);
            s.cancel_token().wait();
            // Dropped by the handle.
            let second = s.child().name("result-second").spawn(|| Bomb { depth: 0 });
            while !second.is_finished() {
                thread::yield_now();
            }
            drop(second);
        });
    });
    assert_eq!(message, "bomb");
    assert_eq!(events("result-first").len(), 0);
    assert_eq!(events("result-second").len(), 1);
}

#[test]
fn a_result_that_panics_while_the_body_unwinds_does_not_abort() {
    let message = message_of(|| {
        backstop::scope(|s| {
            let child = s.child().name("unwound").spawn(|| Bomb { depth: 0 });
            while !child.is_finished() {
                thread::yield_now();
            }
            panic!("body");
        });
    });
    assert_eq!(message, "body");
    assert_eq!(events("unwound").len(), 1);
}

#[test]
fn the_body_s_value_may_panic_when_a_child_has() {
    let mut line = 0;
    let message = message_of(|| {
        line = line!() + 1;
        let _bomb = backstop::scope(|s| {
            s.spawn(|| panic!("child"));
            Bomb { depth: 0 }
        });
    });
    assert_eq!(message, "child");
    assert_eq!(body_events_at(line), ["bomb"]);
}

#[test]
fn a_panic_goes_up_through_nested_scopes() {
    let message = message_of(|| {
        backstop::scope(|outer| {
            outer.spawn(|| {
                backstop::scope(|inner| {
                    inner.spawn(|| panic!("inner"));
                });
            });
        });
    });
    assert_eq!(message, "inner");
}

/// Opens a scope when dropped; `f` runs in it.
struct ScopeOnDrop<F: Fn(&Scope<'_, '_>)>(F);

impl<F: Fn(&Scope<'_, '_>)> Drop for ScopeOnDrop<F> {
    fn drop(&mut self) {
        assert!(thread::panicking());
        backstop::scope(|s| (self.0)(s));
    }
}

#[test]
fn a_scope_in_a_destructor_during_an_unwind_works() {
    let ended = AtomicUsize::new(0);
    let message = message_of(|| {
        let _on_drop = ScopeOnDrop(|s| {
            let child = s.spawn(|| panic!("taken"));
            assert!(child.join().is_err());
            let sum = backstop::scope(|inner| inner.spawn(|| 1 + 1).join().unwrap());
            ended.fetch_add(sum, Ordering::Relaxed);
        });
        panic!("outer");
    });
    assert_eq!((message, ended.into_inner()), ("outer", 2));
}

/// Opens a scope whose panic is contained.
struct PanickingScopeOnDrop<'a>(&'a Mutex<Vec<&'static str>>);

impl Drop for PanickingScopeOnDrop<'_> {
    fn drop(&mut self) {
        assert!(thread::panicking());
        let message = message_of(|| {
            backstop::scope(|s| {
                s.spawn(|| panic!("child of a destructor"));
                s.cancel_token().wait();
                panic!("body in a destructor");
            });
        });
        self.0.lock().unwrap().push(message);
    }
}

#[test]
fn a_scope_that_panics_in_a_destructor_during_an_unwind_can_be_contained() {
    let messages = Mutex::new(Vec::new());
    let message = message_of(|| {
        let _on_drop = PanickingScopeOnDrop(&messages);
        panic!("outer");
    });
    assert_eq!(message, "outer");
    assert_eq!(messages.into_inner().unwrap(), ["child of a destructor"]);
}

#[test]
fn no_panic_of_many_is_lost() {
    const CHILDREN: usize = 200;
    payload_of(|| {
        Options::new().limit(16).run(|s| {
            for n in 0..CHILDREN {
                let child = s.child().name("many").spawn(move || panic_any(Bomb { depth: n % 3 }));
                if n % 2 == 0 {
                    drop(child);
                } else {
                    std::mem::forget(child);
                }
            }
        });
    })
    .downcast::<Bomb>()
    .map(std::mem::forget)
    .expect("a bomb");
    assert_eq!(events("many").len(), CHILDREN - 1);
}
