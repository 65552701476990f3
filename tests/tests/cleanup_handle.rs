//! The handle that a `let` under `#[cleanup]` binds: early cleanups, and that nothing done with it
//! keeps the cleanup from running, once.

use std::rc::Rc;

use backstop::{Guard, must_cleanup};
use backstop_tests::{Log, Noisy, caught};

/// Forgets whatever it is given; the attribute does not see into it.
fn forget<T>(value: T) {
    std::mem::forget(value);
}

/// Drops whatever it is given.
fn consume<T>(value: T) -> bool {
    drop(value);
    true
}

#[must_cleanup]
fn dropped_early(log: &Log) {
    #[cleanup(log.note(format!("cleanup-{}", value.name())), on = success)]
    let value = Noisy(log, "value");
    drop(value);
    log.note("after");
    #[cleanup(log.note("by-path"))]
    let value = Noisy(log, "second");
    std::mem::drop(value);
    log.note("after");
}

#[test]
fn drop_of_the_name_runs_the_cleanup_there() {
    let log = Log::new();
    dropped_early(&log);
    assert_eq!(log.take(), "cleanup-value value after by-path second after");
}

#[must_cleanup]
fn dropped_conditionally(log: &Log, early: bool) {
    #[cleanup(log.note("cleanup"))]
    let value = 1;
    if early {
        drop(value);
        log.note("early");
    }
    log.note("end");
}

#[test]
fn a_name_that_is_dropped_on_one_path_is_cleaned_up_once_on_each() {
    let log = Log::new();
    dropped_conditionally(&log, true);
    assert_eq!(log.take(), "cleanup early end");
    dropped_conditionally(&log, false);
    assert_eq!(log.take(), "end cleanup");
}

#[must_cleanup]
fn dropped_in_closure(log: &Log, call: bool) {
    #[cleanup(log.note("cleanup"))]
    let value = String::from("x");
    let close = move || {
        log.note("in-closure");
        drop(value);
    };
    if call {
        close();
    }
    log.note("end");
}

#[test]
fn drop_in_a_closure_runs_the_cleanup_when_the_closure_runs() {
    let log = Log::new();
    dropped_in_closure(&log, true);
    assert_eq!(log.take(), "in-closure cleanup end");
    dropped_in_closure(&log, false);
    assert_eq!(log.take(), "end cleanup");
}

#[must_cleanup]
fn dropped_shadows(log: &Log) {
    #[cleanup(log.note("cleanup-outer"))]
    let value = Noisy(log, "outer");
    {
        let value = Noisy(log, "plain");
        drop(value);
        log.note("plain-dropped");
    }
    {
        let drop = |_| log.note("own-drop");
        drop(value);
    }
    log.note("end");
}

#[test]
fn drop_of_another_value_of_that_name_is_just_a_drop() {
    let log = Log::new();
    dropped_shadows(&log);
    assert_eq!(log.take(), "plain plain-dropped own-drop end cleanup-outer outer");
}

#[must_cleanup]
fn run_early(log: &Log) -> Result<(), String> {
    #[cleanup(log.note("always"))]
    let first = 1;
    #[cleanup(log.note("on-failure"), on = failure)]
    let second = Noisy(log, "second");
    Guard::run(first);
    log.note("between");
    Guard::run(second);
    Err("end".to_owned())
}

#[test]
fn guard_run_is_a_success_there_and_nothing_at_the_end() {
    let log = Log::new();
    run_early(&log).unwrap_err();
    assert_eq!(log.take(), "always between second");
}

#[must_cleanup]
fn dismissed(log: &Log) -> (Noisy<'_>, String) {
    #[cleanup(log.note("never"))]
    let value = Noisy(log, "value");
    #[cleanup(log.note("never"), on = [success, failure])]
    let text = String::from("text");
    let value = Guard::dismiss(value);
    log.note("end");
    (value, Guard::dismiss(text))
}

#[test]
fn guard_dismiss_gives_the_value_and_runs_nothing() {
    let log = Log::new();
    let (value, text) = dismissed(&log);
    assert_eq!((log.take().as_str(), value.name(), text.as_str()), ("end", "value", "text"));
    drop(value);
    assert_eq!(log.take(), "value");
}

#[must_cleanup]
fn dismissed_on_success(log: &Log, works: bool) -> Result<Noisy<'_>, String> {
    #[cleanup(log.note("undo"))]
    let value = Noisy(log, "value");
    if !works {
        return Err(value.name().to_owned());
    }
    Ok(Guard::dismiss(value))
}

#[test]
fn guard_dismiss_on_one_path_leaves_the_cleanup_on_the_others() {
    let log = Log::new();
    assert!(dismissed_on_success(&log, true).is_ok_and(|value| value.name() == "value"));
    assert_eq!(log.take(), "value");
    dismissed_on_success(&log, false).unwrap_err();
    assert_eq!(log.take(), "undo value");
}

#[must_cleanup]
fn forgotten(log: &Log) {
    #[cleanup(log.note("direct"))]
    let direct = Noisy(log, "value-1");
    forget(direct);
    #[cleanup(log.note("rebound"))]
    let rebound = Noisy(log, "value-2");
    let other = rebound;
    forget(other);
    #[cleanup(log.note("in-closure"))]
    let in_closure = Noisy(log, "value-3");
    let closure = move || log.note(format!("has-{}", in_closure.name()));
    closure();
    forget(closure);
    #[cleanup(log.note("in-vec"))]
    let in_vec = Noisy(log, "value-4");
    forget(vec![in_vec]);
    #[cleanup(log.note("in-box"))]
    let in_box = Noisy(log, "value-5");
    forget(Some(Box::new(in_box)));
    log.note("end");
}

#[test]
fn a_forgotten_handle_does_not_keep_the_cleanup_from_running() {
    let log = Log::new();
    forgotten(&log);
    let cleaned = "in-box value-5 in-vec value-4 in-closure value-3 rebound value-2 direct value-1";
    assert_eq!(log.take(), format!("has-value-3 end {cleaned}"));
}

#[must_cleanup]
fn moved(log: &Log) -> Result<(), String> {
    #[cleanup(log.note("generic"), on = error)]
    let generic = Noisy(log, "value-1");
    assert!(consume(generic));
    #[cleanup(log.note("rebound"), on = error)]
    let rebound = Noisy(log, "value-2");
    let other = rebound;
    log.note(other.name());
    {
        let inner = other;
        assert_eq!(inner.len(), 7);
    }
    log.note("end");
    Err("moved".to_owned())
}

#[test]
fn a_moved_handle_leaves_the_cleanup_at_the_end_of_its_block_with_the_blocks_outcome() {
    let log = Log::new();
    moved(&log).unwrap_err();
    assert_eq!(log.take(), "value-2 end rebound value-2 generic value-1");
}

#[must_cleanup]
fn rebound_and_run(log: &Log) {
    #[cleanup(log.note("cleanup"))]
    let value = Rc::new(1);
    let slot = Some(value);
    if let Some(value) = slot {
        log.note(Rc::strong_count(&value).to_string());
        Guard::run(value);
    }
    log.note("end");
}

#[test]
fn a_rebound_handle_still_runs_and_derefs() {
    let log = Log::new();
    rebound_and_run(&log);
    assert_eq!(log.take(), "1 cleanup end");
}

#[must_cleanup]
fn shown(log: &Log) {
    #[cleanup(log.note("cleanup"))]
    let number = 7;
    log.note(format!("{number} {number:?} {:>3}", *number));
}

#[test]
fn a_handle_shows_itself_as_its_value() {
    let log = Log::new();
    shown(&log);
    assert_eq!(log.take(), "7 7   7 cleanup");
}

#[must_cleanup]
fn swapped(log: &Log) -> u32 {
    #[cleanup(log.note(format!("a{a:?}")))]
    let mut a = vec![1];
    #[cleanup(log.note(format!("b{b:?}")))]
    let mut b = vec![2];
    std::mem::swap(&mut *a, &mut *b);
    a.iter().chain(&*b).sum()
}

#[test]
fn the_value_that_is_there_at_the_end_is_cleaned_up() {
    let log = Log::new();
    assert_eq!(swapped(&log), 3);
    assert_eq!(log.take(), "b[1] a[2]");
}

#[must_cleanup]
fn shared_with_threads(log: &Log) -> u32 {
    #[cleanup(log.note(format!("{numbers:?}")))]
    let numbers = vec![1, 2, 3];
    std::thread::scope(|scope| {
        let sum = scope.spawn(|| numbers.iter().sum::<u32>());
        let max = scope.spawn(|| numbers.iter().max().copied());
        sum.join().unwrap() + max.join().unwrap().unwrap_or(0)
    })
}

#[test]
fn a_guarded_value_is_shared_with_threads_as_the_value_would_be() {
    let log = Log::new();
    assert_eq!(shared_with_threads(&log), 9);
    assert_eq!(log.take(), "[1, 2, 3]");
}

#[must_cleanup]
fn early_and_panicking(log: &Log) {
    #[cleanup(log.note("unwinding"), on = unwind)]
    let _outer = 0;
    #[cleanup(panic!("in the early cleanup"))]
    let value = 1;
    drop(value);
    log.note("not reached");
}

#[test]
fn a_panic_of_an_early_cleanup_unwinds_the_function() {
    let log = Log::new();
    assert_eq!(caught(|| early_and_panicking(&log)), Err("in the early cleanup".to_owned()));
    assert_eq!(log.take(), "unwinding");
}

#[must_cleanup]
fn made(log: &Log, fails: bool) -> Result<Noisy<'_>, ()> {
    #[cleanup(log.note("take away"), on = failure)]
    let value = Noisy(log, "value");
    log.note(value.name());
    if fails {
        return Err(());
    }
    Ok(Guard::dismiss(value))
}

#[test]
fn a_function_gives_back_what_it_made_and_takes_it_away_if_it_fails() {
    let log = Log::new();
    let value = made(&log, false).ok();
    assert_eq!(log.take(), "value");
    drop(value);
    assert_eq!(log.take(), "value");
    assert!(made(&log, true).is_err());
    let noted = log.take();
    assert_eq!(noted.matches("take away").count(), 1, "{noted}");
    assert_eq!(noted.matches("value").count(), 2, "{noted}");
}
