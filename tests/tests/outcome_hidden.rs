//! Exits hidden in macros, and what the guards read of them, in an unwind's destructor too.

#![allow(
    clippy::redundant_else,
    clippy::match_same_arms,
    clippy::possible_missing_else,
    clippy::unused_unit,
    clippy::never_loop,
    clippy::while_immutable_condition,
    clippy::no_effect,
    clippy::manual_assert,
    clippy::unnecessary_literal_unwrap,
    reason = "every spelling counts"
)]

use anyhow::{bail, ensure};
use backstop::must_cleanup;
use backstop_tests::{Log, caught, during_unwind};

macro_rules! give_up {
    ($value:expr) => {
        return $value
    };
}
macro_rules! attempt {
    ($result:expr) => {
        $result?
    };
}
macro_rules! boom {
    () => {
        panic!("in a macro")
    };
}
macro_rules! harmless {
    ($value:expr) => {
        $value
    };
}
macro_rules! observed {
    (fn $name:ident($log:ident, $case:ident) -> $ret:ty { $($body:tt)* }) => {
        #[must_cleanup]
        fn $name($log: &Log, $case: u8) -> $ret {
            #[cleanup($log.note("success"), on = success)]
            let _success = 0;
            #[cleanup($log.note("error"), on = error)]
            let _error = 0;
            #[cleanup($log.note("unwind"), on = unwind)]
            let _unwind = 0;
            $($body)*
        }
    };
}

#[track_caller]
fn plainly<R>(expected: &str, function: fn(&Log, u8) -> R, case: u8) {
    let log = Log::new();
    let _ = caught(|| function(&log, case));
    assert_eq!(log.take(), expected, "case {case}");
}

#[track_caller]
fn also_during_unwind<R>(expected: &str, function: fn(&Log, u8) -> R, case: u8) {
    plainly(expected, function, case);
    let log = Log::new();
    let _ = during_unwind(|| function(&log, case));
    assert_eq!(log.take(), expected, "case {case}, during another unwind");
}

observed! { fn with_anyhow(log, case) -> anyhow::Result<u8> {
    ensure!(case != 1, "case {case}");
    if case == 2 {
        bail!("case {case}");
    }
    if case == 3 {
        bail!("without a semicolon")
    }
    if case == 4 {
        return Err(anyhow::anyhow!("made, then returned"));
    }
    Ok(case)
} }

#[test]
fn exits_through_bail_and_ensure_are_errors() {
    for case in 1..=4 {
        also_during_unwind("error", with_anyhow, case);
    }
    also_during_unwind("success", with_anyhow, 0);
}

observed! { fn in_every_place(log, case) -> Result<u8, String> {
    let no = || Err::<u8, _>("no".to_owned());
    if case == 1 { give_up!(no()) }
    if case == 2 { give_up!(no()); }
    loop { if case == 3 { give_up!(no()) } else { break } }
    let _value = if case == 4 { give_up!(no()) } else { 1 };
    match case { 5 => { give_up!(no()) } 6 => give_up!(no()), _ => {} }
    for _ in 0..1 { if case == 7 { give_up!(no()) } }
    let _block = { if case == 8 { give_up!(no()) } 1 };
    let Some(_) = (case != 9).then_some(1) else { give_up!(no()) };
    while case == 10 { give_up!(no()) }
    let _closure = Some(case).map_or_else(|| 1, |n| n / 2) + if case == 11 { give_up!(no()) } else { 1 };
    let _macro = if case == 12 { attempt!(no()) } else { harmless!(1) };
    'block: { if case == 13 { give_up!(no()) } if case == 99 { break 'block; } harmless!(()) }
    { #[cleanup(())] let _inner = 0; if case == 14 { give_up!(no()) } }
    for _ in 0..1 { #[cleanup(())] let _inner = 0; if case == 15 { attempt!(no()); } }
    if case == 16 { vec![harmless!(attempt!(no()))]; }
    if case > 16 { let next = case + 1; if next == 18 { give_up!(no()) } }
    harmless!(Ok(case))
} }

#[test]
fn a_hidden_exit_of_a_function_with_an_error_side_is_an_error() {
    for case in 1..=17 {
        also_during_unwind("error", in_every_place, case);
    }
    also_during_unwind("success", in_every_place, 0);
}

observed! { fn returns_bool(log, case) -> bool {
    if case == 1 { give_up!(false) }
    if case == 2 { give_up!(true); }
    harmless!(());
    if case == 3 { return false; }
    harmless!(case == 0)
} }
observed! { fn returns_nothing(log, case) -> () {
    if case == 1 { give_up!(()) }
    harmless!(());
    if case == 2 { return; }
    harmless!(())
} }
#[must_cleanup]
fn returns_opaque(log: &Log, case: u8) -> impl Iterator<Item = u8> + use<> {
    #[cleanup(log.note("success"), on = success)]
    let _success = 0;
    #[cleanup(log.note("failure"), on = failure)]
    let _failure = 0;
    if case == 1 {
        give_up!(0..1)
    }
    harmless!(0..2)
}

#[test]
fn a_hidden_exit_of_any_other_function_is_a_success() {
    for case in 0..=3 {
        also_during_unwind("success", returns_bool, case);
        also_during_unwind("success", returns_nothing, case);
        also_during_unwind("success", returns_opaque, case);
    }
}

observed! { fn returns_ok(log, case) -> Option<u8> {
    if case == 1 { give_up!(Some(1)) }
    None
} }

/// Nobody sees the value: the docs say that such an exit counts as an error.
#[test]
fn a_hidden_return_of_ok_counts_as_an_error() {
    also_during_unwind("error", returns_ok, 1);
}

observed! { fn panics(log, case) -> Result<u8, String> {
    if case == 1 { boom!() }
    if case == 2 { boom!(); }
    let _value = if case == 3 { boom!() } else { 1 };
    if case == 4 { harmless!(boom!()) }
    harmless!(Ok(1))
} }

#[test]
fn a_panic_in_a_macro_is_an_unwind() {
    for case in 1..=4 {
        plainly("unwind", panics, case);
    }
}

observed! { fn panics_beside_macros(log, case) -> Result<u8, String> {
    harmless!(());
    for _ in 0..1 { #[cleanup(())] let _inner = 0; harmless!(()) }
    if case == 1 { panic!("after a tail macro of a guarded block") }
    let _value = { #[cleanup(())] let _inner = 0; harmless!(1) };
    if case == 2 { panic!("after a tail macro with a value") }
    for turn in 0..2 {
        if turn == 1 && case == 3 { panic!("in the second turn") }
        harmless!(())
    }
    harmless!(());
    if case == 4 { None::<u8>.unwrap(); }
    Ok(1)
} }

#[test]
fn a_panic_outside_of_macros_is_an_unwind_in_another_unwind_too() {
    for case in 1..=4 {
        also_during_unwind("unwind", panics_beside_macros, case);
    }
    also_during_unwind("success", panics_beside_macros, 0);
}

observed! { fn nothing_hidden(log, case) -> Result<u8, String> {
    if case == 1 { return Err("e".to_owned()); }
    if case == 2 { panic!("visible"); }
    let inner = caught(|| { if case == 3 { panic!("caught inside"); } case });
    if case == 4 { Err(inner.map_or_else(|message| message, |n| n.to_string()))?; }
    Ok(case)
} }

#[test]
fn each_outcome_is_told_apart_in_a_destructor_during_another_unwind() {
    let cases = ["success", "error", "unwind", "success", "error"];
    for (case, expected) in (0..).zip(cases) {
        also_during_unwind(expected, nothing_hidden, case);
    }
}

#[must_cleanup]
fn second_guard_in_the_unwind_of_the_first(log: &Log) -> Result<(), String> {
    #[cleanup(log.note(format!("{:?}", nothing_hidden(log, 1))))]
    let _calls = 0;
    panic!("outer");
}

#[test]
fn a_function_called_by_a_cleanup_of_an_unwind_reads_its_own_outcome() {
    let log = Log::new();
    assert_eq!(caught(|| second_guard_in_the_unwind_of_the_first(&log)), Err("outer".to_owned()));
    assert_eq!(log.take(), "error Err(\"e\")");
}
