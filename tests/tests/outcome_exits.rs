//! Each way to spell an exit of a function, and what its guards read.

#![allow(
    clippy::needless_return,
    clippy::never_loop,
    clippy::undocumented_unsafe_blocks,
    clippy::unnecessary_option_map_or_else,
    clippy::redundant_closure_call,
    clippy::no_effect_underscore_binding,
    clippy::useless_vec,
    reason = "every spelling counts"
)]

use backstop::must_cleanup;
use backstop_tests::{Log, caught};

/// Three guards that tell the outcome in one word.
macro_rules! observed {
    ($(#[$meta:meta])* fn $name:ident($log:ident $(, $arg:ident: $ty:ty)*) -> $ret:ty { $($body:tt)* }) => {
        $(#[$meta])*
        #[must_cleanup]
        fn $name($log: &Log $(, $arg: $ty)*) -> $ret {
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

/// Checks functions that take nothing but the log.
macro_rules! each {
    ($expected:literal: $($function:ident)*) => {$({
        let log = Log::new();
        let _ = caught(|| $function(&log));
        assert_eq!(log.take(), $expected, stringify!($function));
    })*};
}

type Answer = Result<u8, String>;

fn no<T>() -> Result<T, String> {
    Err("no".to_owned())
}

#[track_caller]
fn outcome<R>(expected: &str, function: impl FnOnce(&Log) -> R) {
    let log = Log::new();
    let _ = caught(|| function(&log));
    assert_eq!(log.take(), expected);
}

observed! { fn question_statement(log) -> Answer { no::<u8>()?; Ok(1) } }
observed! { fn question_argument(log) -> Answer { Ok(u8::max(no()?, 3)) } }
observed! { fn question_operand(log) -> Answer { let sum = 1 + no::<u8>()? * 2; Ok(sum) } }
observed! { fn question_condition(log) -> Answer { if no()? { Ok(1) } else { Ok(2) } } }
observed! { fn question_scrutinee(log) -> Answer { match no::<u8>()? { 1 => Ok(1), _ => Ok(2) } } }
observed! { fn question_guard(log, of: u8) -> Answer { match of { n if no()? => Ok(n), n => Ok(n + 1) } } }
observed! { fn question_in_tuple(log) -> Answer { let (_, n) = (1, no()?); Ok(n) } }
observed! { fn question_in_array(log) -> Answer { let [n, _] = [no()?; 2]; Ok(n) } }
observed! { fn question_in_index(log, of: &[u8]) -> Answer { Ok(of[no::<usize>()?]) } }
observed! { fn question_in_range(log) -> Answer { let mut n = 0; for i in 0..no()? { n += i; } Ok(n) } }
observed! { fn question_in_assignment(log) -> Answer { let mut n = 1; n += no::<u8>()?; Ok(n) } }
observed! { fn question_in_while(log) -> Answer { while no()? {} Ok(1) } }
observed! { fn question_in_while_let(log) -> Answer { while let Some(n) = no::<Option<u8>>()? { let _ = n; } Ok(1) } }
observed! { fn question_in_let_else(log) -> Answer { let Some(n) = no::<Option<u8>>()? else { return Ok(9) }; Ok(n) } }
observed! { fn question_in_format(log) -> Answer { let text = format!("{}", no::<u8>()?); Ok(text.parse().unwrap_or(1)) } }
observed! { fn question_in_vec(log) -> Answer { let all = vec![1, no()?]; Ok(all[0]) } }
observed! { fn question_in_matches(log) -> Answer { if matches!(no::<u8>()?, 1..=3) { Ok(1) } else { Ok(2) } } }
observed! { fn question_in_assert(log) -> Answer { assert!(no::<bool>()?, "is there"); Ok(1) } }
observed! { fn question_in_panic(log) -> Answer { panic!("{}", no::<u8>()?) } }
observed! { fn question_in_return(log) -> Answer { return Ok(no()?); } }
observed! { fn question_in_break(log) -> Answer { let n = loop { break no()?; }; Ok(n) } }
observed! { fn question_chained(log) -> Answer { Ok(no::<Option<Result<u8, String>>>()?.unwrap()?) } }
observed! { fn question_behind_methods(log) -> Answer { Ok([1_u8].iter().map(|_| no()).collect::<Result<Vec<u8>, _>>()?[0]) } }
observed! { fn question_in_unsafe(log) -> Answer { #[allow(unused_unsafe)] let n = unsafe { no()? }; Ok(n) } }
observed! { fn question_in_labelled_block(log) -> Answer { let n = 'block: { if no()? { break 'block 1; } 2 }; Ok(n) } }

#[test]
fn error_through_question_mark_is_an_error_wherever_it_stands() {
    each!("error": question_statement question_argument question_operand question_condition question_scrutinee question_in_tuple question_in_array question_in_range question_in_assignment question_in_while question_in_while_let question_in_let_else question_in_format question_in_vec question_in_matches question_in_assert question_in_panic question_in_return question_in_break question_chained question_behind_methods question_in_unsafe question_in_labelled_block);
    outcome("error", |log| question_guard(log, 1));
    outcome("error", |log| question_in_index(log, &[1]));
}

observed! { fn returned(log) -> Answer { return Err("e".to_owned()); } }
observed! { fn returned_from_match(log, n: u8) -> Answer { return match n { 0 => Ok(1), _ => no() }; } }
observed! { fn returned_from_loop(log) -> Answer { return loop { break no(); }; } }
observed! { fn returned_from_labelled(log, n: u8) -> Answer { return 'a: { if n == 0 { break 'a no(); } Ok(1) }; } }
observed! {
#[expect(unreachable_code, reason = "as without the attribute")]
fn returned_in_argument(log) -> Answer { Ok(u8::max(1, return no())) } }
observed! { fn returned_in_let_else(log, n: Option<u8>) -> Answer { let Some(n) = n else { return no(); }; Ok(n) } }
observed! { fn returned_in_arm(log, n: u8) -> Answer { let n = match n { 0 => return no(), n => n }; Ok(n) } }
observed! { fn returned_in_block(log, n: u8) -> Answer { let n = { if n == 0 { return no(); } n }; Ok(n) } }
observed! { fn returned_in_chain(log, n: Option<u8>) -> Answer { Ok(n.map_or_else(|| 3, |n| n) + if n.is_none() { return no() } else { 1 }) } }

#[test]
fn a_returned_err_is_an_error_wherever_it_stands() {
    outcome("error", returned);
    outcome("success", |log| returned_from_match(log, 0));
    outcome("error", |log| returned_from_match(log, 1));
    outcome("error", returned_from_loop);
    outcome("error", |log| returned_from_labelled(log, 0));
    outcome("success", |log| returned_from_labelled(log, 1));
    outcome("error", returned_in_argument);
    outcome("error", |log| returned_in_let_else(log, None));
    outcome("success", |log| returned_in_let_else(log, Some(1)));
    outcome("error", |log| returned_in_arm(log, 0));
    outcome("error", |log| returned_in_block(log, 0));
    outcome("error", |log| returned_in_chain(log, None));
    outcome("success", |log| returned_in_chain(log, Some(1)));
}

observed! { fn leaf_of_if(log, n: u8) -> Answer { if n == 0 { Ok(0) } else if n == 1 { no() } else { Ok(2) } } }
observed! { fn leaf_of_match(log, n: u8) -> Answer { match n { 0 => Ok(0), 1 if n == 1 => no(), 2 => { Ok(2) } _ => Ok(3) } } }
observed! {
    #[allow(unused_unsafe, unused_parens, unused_braces)]
    fn leaf_of_blocks(log, n: u8) -> Answer { { { ({ if n == 1 { unsafe { no() } } else { Ok(1) } }) } } }
}
observed! { fn leaf_of_if_let(log, n: Option<u8>) -> Answer { if let Some(n) = n { Ok(n) } else { no() } } }
observed! { fn labelled_tail(log, n: u8) -> Answer { 'block: { if n == 1 { break 'block no(); } Ok(1) } } }
observed! { fn loop_tail(log, n: u8) -> Answer { loop { if n == 1 { break no(); } break Ok(1); } } }
observed! { fn closure_call_tail(log, n: u8) -> Answer { (|| if n == 1 { no() } else { Ok(1) })() } }
observed! { fn method_tail(log, n: u8) -> Answer { Some(n).filter(|n| *n != 1).ok_or_else(|| "no".to_owned()) } }

#[test]
fn each_leaf_of_the_tail_is_judged_by_its_own_value() {
    let functions = [
        leaf_of_if,
        leaf_of_match,
        leaf_of_blocks,
        labelled_tail,
        loop_tail,
        closure_call_tail,
        method_tail,
    ];
    for function in functions {
        outcome("success", |log| function(log, 0));
        outcome("error", |log| function(log, 1));
        outcome("success", |log| function(log, 2));
    }
    outcome("error", |log| leaf_of_if_let(log, None));
    outcome("success", |log| leaf_of_if_let(log, Some(1)));
}

observed! { fn closure_question(log) -> Answer { let inner = (|| { no::<u8>()?; no() })(); Ok(inner.unwrap_or(1)) } }
observed! { fn closure_return(log) -> Answer { let inner: Answer = (|| { return no(); })(); Ok(inner.unwrap_or(1)) } }
observed! { fn nested_function(log) -> Answer { fn inner() -> Answer { no::<u8>()?; no() } Ok(inner().unwrap_or(1)) } }
observed! { fn async_block(log) -> Answer { let _future = async { no::<u8>()?; no::<u8>() }; Ok(1) } }
observed! { fn error_that_is_handled(log) -> Answer { Ok(no().unwrap_or(1)) } }

#[test]
fn exits_of_closures_async_blocks_and_nested_items_are_not_the_functions() {
    each!("success": closure_question closure_return nested_function async_block error_that_is_handled);
}

struct DropPanics;
impl Drop for DropPanics {
    fn drop(&mut self) {
        panic!("in a destructor");
    }
}

observed! { fn destructor_after_return(log) -> Answer { let _panics = DropPanics; return no(); } }
observed! { fn destructor_after_tail(log) -> Answer { let _panics = DropPanics; Ok(1) } }
observed! { fn destructor_before_the_end(log) -> Answer { drop(DropPanics); Ok(1) } }
observed! { fn destructor_of_a_block(log) -> Answer { { let _panics = DropPanics; } Ok(1) } }

#[test]
fn a_mark_stands_even_if_a_later_destructor_panics() {
    outcome("error", destructor_after_return);
    outcome("success", destructor_after_tail);
    outcome("unwind", destructor_before_the_end);
    outcome("unwind", destructor_of_a_block);
}

struct Panics;
impl From<String> for Panics {
    fn from(_: String) -> Self {
        panic!("in a conversion")
    }
}

observed! { fn conversion(log) -> Result<u8, Panics> { let n: u8 = no()?; Ok(n) } }

/// The mark is made before the conversion, and stands as it does before a destructor that panics.
#[test]
fn a_panic_in_the_conversion_of_question_mark_reads_error() {
    outcome("error", conversion);
}
