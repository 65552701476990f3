//! Values are dropped in the order in which the function without the attribute drops them: locals,
//! temporaries, parameters. Run in editions 2018, 2021 and 2024, whose orders differ.

#![allow(clippy::manual_assert, reason = "panics are spelled out")]
#![allow(clippy::needless_pass_by_value, reason = "parameters are to be dropped here")]
#![allow(clippy::needless_return, clippy::let_and_return, reason = "ways to end a function")]

use backstop_tests::{Log, Noisy, caught};

/// The value of a macro that `#[must_cleanup]` knows nothing of.
#[allow(unused_macros, reason = "the functions without the attribute use them too")]
macro_rules! unknown {
    ($value:expr) => {
        $value
    };
}
macro_rules! statements {
    ($($tokens:tt)*) => { $($tokens)* };
}
pub(crate) use {statements, unknown};

fn noisy<'a>(log: &'a Log, name: &'static str) -> Noisy<'a> {
    Noisy(log, name)
}

fn fallible<'a>(log: &'a Log, name: &'static str, works: bool) -> Result<Noisy<'a>, String> {
    if works { Ok(noisy(log, name)) } else { Err(name.to_owned()) }
}

/// Each function once as it stands and once with the attribute and a guard in front, and a test
/// that both drop in the same order, for each case and through a panic.
macro_rules! same_order {
    ($(
        $(#[$meta:meta])*
        fn $name:ident($log:ident, $case:ident $(, $param:pat => $ty:ty = $noisy:expr)*) -> $ret:ty {
            $($body:tt)*
        }
    )*) => {
        mod plain {
            #[allow(unused_imports)]
            use super::{Log, Noisy, fallible, noisy, statements, unknown};
            $($(#[$meta])* pub(crate) fn $name($log: &Log, $case: u8 $(, $param: $ty)*) -> $ret {
                $($body)*
            })*
        }
        mod annotated {
            #[allow(unused_imports)]
            use super::{Log, Noisy, fallible, noisy, statements, unknown};
            $($(#[$meta])* #[backstop::must_cleanup]
            pub(crate) fn $name($log: &Log, $case: u8 $(, $param: $ty)*) -> $ret {
                #[cleanup(())]
                let _guard = 0;
                $($body)*
            })*
        }
        $(#[test]
        fn $name() {
            for case in 0..4 {
                let $log = &Log::new();
                let _ = caught(|| plain::$name($log, case $(, $noisy)*));
                let expected = $log.take();
                assert!(!expected.is_empty());
                let _ = caught(|| annotated::$name($log, case $(, $noisy)*));
                assert_eq!($log.take(), expected, "case {}", case);
            }
        })*
    };
}

same_order! {
    fn locals_in_reverse(log, case) -> () {
        let _first = noisy(log, "first");
        let _ = noisy(log, "at once");
        let (_second, _third) = (noisy(log, "second"), noisy(log, "third"));
        { let _inner = noisy(log, "inner"); }
        if case == 1 { return; }
        if case == 2 { panic!("case 2"); }
        let _last = noisy(log, "last");
    }
    fn temporaries_of_statements(log, case) -> Result<usize, String> {
        let _local = noisy(log, "local");
        noisy(log, "statement").name();
        let _length = noisy(log, "initialiser").len() + noisy(log, "operand").len();
        let _extended = &noisy(log, "extended");
        let _value = fallible(log, "question", case != 1)?.len();
        match noisy(log, "scrutinee").len() { 9 => log.note("nine"), _ => log.note("other") }
        if noisy(log, "condition").len() == 9 { log.note("then"); }
        if let Some(length) = Some(noisy(log, "let").len()) { log.note(length.to_string()); } else { log.note("else"); }
        if let Some(7) = Some(noisy(log, "let").len()) { log.note("seven"); } else { log.note("else"); }
        while let Some(3) = Some(noisy(log, "while").len()) {}
        for _ in 0..noisy(log, "range").len() { let _turn = noisy(log, "turn"); if case == 2 { break; } }
        Ok(1)
    }
    fn temporaries_of_the_tail(log, case) -> usize {
        let _local = noisy(log, "local");
        noisy(log, "one").len() + noisy(log, "two").len() + usize::from(case)
    }
    fn temporaries_of_return(log, case) -> usize {
        let _local = noisy(log, "local");
        if case == 1 { return noisy(log, "early").len(); }
        return noisy(log, "late").len();
    }
    fn temporaries_of_a_tail_with_an_unknown_macro(log, case) -> usize {
        let _local = noisy(log, "local");
        noisy(log, "one").len() + unknown!(noisy(log, "two").len()) + usize::from(case)
    }
    fn temporaries_of_an_unknown_macro_as_tail(log, case) -> usize {
        let _local = noisy(log, "local");
        if case == 1 { return unknown!(noisy(log, "early").len()); }
        unknown!(noisy(log, "late").len())
    }
    fn temporaries_of_a_brace_macro_as_tail(log, _case) -> usize {
        let _local = noisy(log, "local");
        statements! { let _inside = noisy(log, "inside"); noisy(log, "tail").len() }
    }
    fn temporaries_of_leaves(log, case) -> usize {
        let _local = noisy(log, "local");
        match noisy(log, "scrutinee").len() + usize::from(case) {
            9 => { let _arm = noisy(log, "arm"); noisy(log, "block").len() }
            10 => noisy(log, "expression").len(),
            11 => if noisy(log, "condition").len() == 9 { noisy(log, "then").len() } else { 0 },
            _ => unknown!(noisy(log, "macro").len()),
        }
    }
    fn temporaries_of_if_let_else_as_tail(log, case) -> usize {
        let _local = noisy(log, "local");
        if let Some(9) = Some(noisy(log, "scrutinee").len() + usize::from(case)) {
            noisy(log, "then").len()
        } else {
            noisy(log, "else").len()
        }
    }
    fn temporaries_of_unit_tails(log, case) -> () {
        let _local = noisy(log, "local");
        if let Some(9) = Some(noisy(log, "scrutinee").len() + usize::from(case)) { log.note("then"); }
    }
    fn temporaries_of_a_loop_as_tail(log, case) -> () {
        let _local = noisy(log, "local");
        for _ in 0..(noisy(log, "range").len() - 3) { let _turn = noisy(log, "turn"); if case == 1 { continue; } log.note("end"); }
    }
    fn temporaries_of_cfg_tails(log, _case) -> usize {
        let _local = noisy(log, "local");
        #[cfg(any())]
        { 0 }
        #[cfg(all())]
        { noisy(log, "tail").len() }
    }
    fn temporaries_of_a_result(log, case) -> Result<usize, String> {
        let _local = noisy(log, "local");
        Ok(fallible(log, "one", case != 1)?.len() + fallible(log, "two", case != 2)?.len())
    }
    fn parameters_after_locals(log, case, _first => Noisy<'_> = noisy(log, "first"), _ => Noisy<'_> = noisy(log, "unnamed"), second => Noisy<'_> = noisy(log, "second")) -> usize {
        let _local = noisy(log, "local");
        if case == 1 { panic!("case 1"); }
        let moved = second;
        moved.len() + noisy(log, "tail").len()
    }
    fn parameter_patterns(log, case, (_one, _) => (Noisy<'_>, Noisy<'_>) = (noisy(log, "one"), noisy(log, "two")), mut three => Noisy<'_> = noisy(log, "three")) -> () {
        let _local = noisy(log, "local");
        three.1 = "renamed";
        if case == 1 { panic!("case 1"); }
    }
    fn moved_and_dropped_early(log, case) -> () {
        let first = noisy(log, "first");
        let second = noisy(log, "second");
        drop(first);
        log.note("between");
        let closure = move || log.note(second.name());
        closure();
        if case == 1 { drop(closure); }
        log.note("end");
    }
    fn values_in_loops_with_labels(log, case) -> usize {
        let _local = noisy(log, "local");
        let found = 'outer: loop {
            let _outer = noisy(log, "outer");
            for turn in 0..3 {
                let _inner = noisy(log, "inner");
                if turn == 1 && case == 0 { break 'outer noisy(log, "value").len(); }
                if turn == 1 && case == 1 { continue; }
                if turn == 2 { break 'outer 2; }
            }
        };
        found
    }
    fn assignments_drop_the_old_value(log, case) -> () {
        let mut value = noisy(log, "old");
        log.note(value.name());
        value = noisy(log, "new");
        log.note(value.name());
        if case == 1 { value = noisy(log, "newer"); }
        log.note(value.name());
    }
    fn arguments_when_a_later_one_fails(log, case) -> Result<usize, String> {
        fn three(_: Noisy<'_>, _: Noisy<'_>, third: Noisy<'_>) -> usize { third.len() }
        Ok(three(noisy(log, "one"), fallible(log, "two", case != 1)?, fallible(log, "three", case != 2)?))
    }
    fn let_else_scrutinee(log, case) -> usize {
        let _local = noisy(log, "local");
        let Some(length) = Some(noisy(log, "scrutinee").len()).filter(|_| case != 1) else {
            return noisy(log, "else").len();
        };
        length
    }
}
