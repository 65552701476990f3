//! Annotated code passes every lint that the same code passes without: this file denies them all,
//! those that rustc allows by default among them, and CI runs clippy on it.

#![deny(warnings)]
#![deny(clippy::all, clippy::pedantic)]
#![deny(
    missing_docs,
    unused_qualifications,
    unused_results,
    unused_lifetimes,
    unused_import_braces
)]
#![deny(let_underscore_drop, single_use_lifetimes, trivial_casts, trivial_numeric_casts)]
#![deny(unreachable_pub, missing_debug_implementations, missing_copy_implementations)]
#![deny(
    explicit_outlives_requirements,
    meta_variable_misuse,
    non_ascii_idents,
    redundant_lifetimes
)]
#![deny(variant_size_differences, absolute_paths_not_starting_with_crate, keyword_idents)]
#![deny(future_incompatible, nonstandard_style, rust_2018_idioms, unused)]
#![deny(
    if_let_rescope,
    impl_trait_overcaptures,
    redundant_imports,
    unit_bindings,
    ffi_unwind_calls
)]
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::ControlFlow;

use backstop::{Guard, defer, must_cleanup, no_exit, scoped_spawn};
use backstop_tests::Log;

macro_rules! harmless {
    ($value:expr) => {
        $value
    };
}

/// Every form of a guard, and every way out.
#[must_cleanup]
fn everything(log: &Log, case: u32) -> Result<u32, String> {
    #[cleanup(log.note(guarded.to_string()))]
    let guarded = case;
    #[cleanup(log.note(changed.to_string()), on = failure)]
    let mut changed = Box::new(case);
    **changed += 1;
    #[cleanup(log.note("statement"))]
    log.note("body");
    #[cleanup(Err::<(), _>("failed"), on = [error, unwind], name = "named")]
    let dismissed = case;
    defer! { log.note("defer") }
    defer! {
        let text = String::from("statements");
        log.note(text);
    }
    defer!(on = success, log.note("success"));
    harmless!(log.note("macro"));
    if case == 9 {
        return Err("nine".into());
    }
    for turn in 0..case {
        #[cleanup(log.note(turn.to_string()))]
        let turn = turn;
        if *turn == 3 {
            break;
        }
        if *turn == 4 {
            continue;
        }
        log.note("turn");
    }
    let from_loop = loop {
        #[cleanup(log.note("loop"))]
        let inner = case;
        if *inner < 5 {
            break 5;
        }
    };
    'block: {
        #[cleanup(log.note("block"))]
        let inner = case;
        if *inner == 3 {
            break 'block;
        }
        log.note("not left early");
    }
    drop(guarded);
    Guard::run(changed);
    let dismissed = Guard::dismiss(dismissed);
    let Some(value) = Some(from_loop) else { return Err("none".to_owned()) };
    let mut text = String::new();
    write!(text, "{value}").map_err(|error| error.to_string())?;
    match dismissed {
        1 => Ok(value),
        2 => Err(text),
        _ => text.parse().map_err(|_| format!("{dismissed}")),
    }
}

/// Braces that carry an attribute of ours are not idle.
#[rustfmt::skip]
#[must_cleanup]
fn braces(log: &Log) {
    #[cleanup(log.note("first"))]
    { log.note("one") }
    #[allow_skip(mem_forget, reason = "it owns nothing")]
    { std::mem::forget(String::new()) }
    #[cleanup(log.note("second"))]
    { log.note("two") }
}

/// Functions without a value.
#[must_cleanup]
fn nothing(log: &Log, case: u32) {
    #[cleanup(log.note("first"))]
    let _first = case;
    if case == 2 {
        return;
    }
    for _ in 1..case {
        harmless!(log.note("macro"));
    }
    #[cleanup(log.note("second"))]
    if case == 3 {
        log.note("three");
    }
}

/// Other types of outcomes.
#[must_cleanup]
fn control(log: &Log, map: &mut HashMap<u8, u8>, key: u8) -> ControlFlow<u8, Option<u8>> {
    #[cleanup(log.note("break"), on = error)]
    let _guard = 0;
    if let Some(value) = map.insert(key, key) {
        ControlFlow::Break(value)?;
    }
    ControlFlow::Continue(map.get(&key).copied())
}

/// A documented type with guarded methods.
#[derive(Debug)]
struct Documented<'l> {
    log: &'l Log,
}

#[must_cleanup]
impl<'l> Documented<'l> {
    /// Makes one.
    #[must_use]
    fn new(log: &'l Log) -> Self {
        Self { log }
    }

    /// Borrows mutably in the cleanup alone.
    fn method(&self) -> usize {
        #[cleanup(buffer.clear())]
        let buffer = vec![1, 2];
        #[cleanup(self.log.note("method"))]
        buffer.len()
    }
}

#[must_cleanup]
impl Drop for Documented<'_> {
    fn drop(&mut self) {
        self.log.note("destructor");
    }
}

/// Refuses exits.
#[no_exit]
fn checked(log: &Log, values: &[u32]) -> Option<u32> {
    let sum = values.iter().map(|value| value + 1).sum::<u32>();
    log.note(format!("{sum:>width$}", width = values.len().checked_add(3)?));
    let reference = &Documented::new(log).method();
    values.first().map(|first| first + u32::from(*reference > 0))
}

/// Spawns in a scope.
#[scoped_spawn(limit = 2)]
fn spawning(values: &[u32]) -> u32 {
    let handles: Vec<std::thread::JoinHandle<u32>> =
        values.chunks(1).map(|chunk| std::thread::spawn(move || chunk.iter().sum())).collect();
    handles.into_iter().filter_map(|handle| handle.join().ok()).sum()
}

/// Spawns in a scope, for nothing but the effect.
#[scoped_spawn]
fn spawning_nothing(log: &Log) {
    let handle = std::thread::spawn(|| 1);
    log.note(handle.join().map_or(0, |one| one + 1).to_string());
}

/// Ends with a macro that has no value.
#[must_cleanup]
fn macro_as_tail(log: &Log) {
    #[cleanup(log.note("cleanup"))]
    let _guard = 0;
    harmless!(log.note("tail"))
}

/// All attributes at once, with their options.
#[must_cleanup(allow(panic_abort, reason = "the value is only memory"))]
#[no_exit]
#[scoped_spawn]
fn combined(log: &Log, values: &[u32]) -> Result<usize, String> {
    #[cleanup(log.note("combined"), on = [success, unwind])]
    let length = values.len();
    let handle = std::thread::spawn(|| values.iter().max().copied());
    let max = handle.join().map_err(|_| "panicked")?;
    if max.is_none() {
        return Err("empty".to_owned());
    }
    #[allow_skip(mem_forget, reason = "an allocation of the test")]
    std::mem::forget(String::new());
    Ok(*length)
}

#[test]
fn code_that_denies_every_lint_runs_as_written() {
    let log = Log::new();
    assert_eq!(everything(&log, 1), Ok(5));
    assert_eq!(
        log.take(),
        "body macro turn 0 loop not left early block 1 success statements defer statement"
    );
    assert_eq!(everything(&log, 2), Err("5".to_owned()));
    assert_eq!(everything(&log, 9), Err("nine".to_owned()));
    drop(log.take());
    nothing(&log, 3);
    assert_eq!(log.take(), "macro macro three second first");
    braces(&log);
    assert_eq!(log.take(), "one two second first");
    let mut map = HashMap::new();
    assert_eq!(control(&log, &mut map, 1), ControlFlow::Continue(Some(1)));
    assert_eq!(control(&log, &mut map, 1), ControlFlow::Break(1));
    assert_eq!(log.take(), "break");
    assert_eq!(checked(&log, &[1, 2]), Some(2));
    assert_eq!(log.take(), "    5 method destructor");
    assert_eq!(spawning(&[1, 2, 3]), 6);
    spawning_nothing(&log);
    macro_as_tail(&log);
    assert_eq!(log.take(), "2 tail cleanup");
    assert_eq!(combined(&log, &[1, 2]), Ok(2));
    assert_eq!(combined(&log, &[]), Err("empty".to_owned()));
    assert_eq!(log.take(), "combined");
}
