//! Every outcome against every `on`: which cleanups run for each way out of a function.

use std::ops::ControlFlow;
use std::task::Poll;

use backstop::must_cleanup;
use backstop_tests::{Log, caught, during_unwind};

/// What runs for each outcome: guards run in reverse, so the last declared is the first here.
const SUCCESS: &str = "always success success|unwind";
const ERROR: &str = "always error error|cancel failure";
const UNWIND: &str = "always unwind success|unwind failure";

/// A function with a cleanup for each `on`, and this body behind them.
macro_rules! guarded {
    (fn $name:ident($log:ident $(, $arg:ident: $ty:ty)*) $(-> $ret:ty)? { $($body:tt)* }) => {
        #[must_cleanup]
        fn $name($log: &Log $(, $arg: $ty)*) $(-> $ret)? {
            #[cleanup($log.note("failure"), on = failure)]
            let _failure = 0;
            #[cleanup($log.note("success|unwind"), on = [success, unwind])]
            let _success_or_unwind = 0;
            #[cleanup($log.note("error|cancel"), on = [error, cancel])]
            let _error_or_cancel = 0;
            #[cleanup($log.note("CANCEL"), on = cancel)]
            let _cancel = 0;
            #[cleanup($log.note("unwind"), on = unwind)]
            let _unwind = 0;
            #[cleanup($log.note("error"), on = error)]
            let _error = 0;
            #[cleanup($log.note("success"), on = success)]
            let _success = 0;
            #[cleanup($log.note("always"), on = always)]
            let _always = 0;
            $($body)*
        }
    };
}

/// Checks what ran, called plainly and in a destructor that an unwind runs.
#[track_caller]
fn check<R>(case: &str, expected: &str, function: impl Fn(&Log) -> R) {
    let log = Log::new();
    let _ = caught(|| function(&log));
    assert_eq!(log.take(), expected, "{case}");
    let _ = during_unwind(|| function(&log));
    assert_eq!(log.take(), expected, "{case}, during another unwind");
}

fn fallible(fails: bool) -> Result<u8, String> {
    if fails { Err("failed".to_owned()) } else { Ok(1) }
}

fn optional(there: bool) -> Option<u8> {
    there.then_some(1)
}

/// Panics where the compiler does not see it coming.
fn panicking<T>(value: T) -> T {
    assert!(std::hint::black_box(false), "from a callee");
    value
}

guarded! { fn unit_end(log) { log.take().clear(); } }
guarded! { fn unit_return(log, early: bool) { if early { return; } log.take().clear(); } }
guarded! { fn unit_tail(log, value: &mut u8) { if *value == 1 { *value += 1; } else { *value = 1; } } }
guarded! { fn unit_panic(log) { panicking(()); let _ = log; } }
guarded! { fn unit_declared(log) -> () { log.take().clear(); } }

#[test]
fn a_function_without_a_value_ends_in_success_or_unwind() {
    check("end", SUCCESS, unit_end);
    check("`return;`", SUCCESS, |log| unit_return(log, true));
    check("past `return;`", SUCCESS, |log| unit_return(log, false));
    check("`if` as tail", SUCCESS, |log| unit_tail(log, &mut 1));
    check("`else` as tail", SUCCESS, |log| unit_tail(log, &mut 0));
    check("panic", UNWIND, unit_panic);
    check("`-> ()`", SUCCESS, unit_declared);
}

guarded! { fn plain_tail(log) -> u8 { 3 } }
guarded! { fn plain_return(log) -> bool { return false; } }
guarded! { fn plain_panic(log) -> u8 { panicking(3) } }
guarded! { fn plain_macro_panic(log) -> u8 { panic!("visible") } }

#[test]
fn a_value_without_an_error_side_is_a_success() {
    check("tail", SUCCESS, plain_tail);
    check("`return false`", SUCCESS, plain_return);
    check("panic in the tail", UNWIND, plain_panic);
    check("`panic!` as tail", UNWIND, plain_macro_panic);
}

guarded! { fn result_tail(log, fails: bool) -> Result<u8, String> { fallible(fails) } }
guarded! { fn result_return(log, fails: bool) -> Result<u8, String> { return fallible(fails); } }
guarded! { fn result_question(log, fails: bool) -> Result<u8, String> {
    let value = fallible(fails)?;
    Ok(value)
} }
guarded! { fn result_return_err(log, fails: bool) -> Result<u8, String> {
    if fails { return Err("early".to_owned()); }
    Ok(1)
} }
guarded! { fn result_converted(log, text: &str) -> Result<u8, Box<dyn std::error::Error>> {
    Ok(text.parse::<u8>()?)
} }
guarded! { fn result_panic(log) -> Result<u8, String> { Ok(panicking(fallible(false))?) } }
guarded! { fn result_aliased(log, fails: bool) -> std::fmt::Result {
    if fails { Err(std::fmt::Error) } else { Ok(()) }
} }

#[test]
fn a_result_is_judged_by_value() {
    for (fails, expected) in [(false, SUCCESS), (true, ERROR)] {
        check("tail", expected, |log| result_tail(log, fails));
        check("return", expected, |log| result_return(log, fails));
        check("`?`", expected, |log| result_question(log, fails));
        check("return Err", expected, |log| result_return_err(log, fails));
        check("alias", expected, |log| result_aliased(log, fails));
    }
    check("converted", SUCCESS, |log| result_converted(log, "1").is_ok());
    check("converted", ERROR, |log| result_converted(log, "one").is_ok());
    check("panic", UNWIND, result_panic);
}

guarded! { fn option_tail(log, there: bool) -> Option<u8> { optional(there) } }
guarded! { fn option_question(log, there: bool) -> Option<u8> { Some(optional(there)? + 1) } }
guarded! { fn option_return(log, there: bool) -> Option<u8> {
    if !there { return None; }
    Some(1)
} }
guarded! { fn option_panic(log) -> Option<u8> { panicking(None) } }

#[test]
fn an_option_is_judged_by_value() {
    for (there, expected) in [(true, SUCCESS), (false, ERROR)] {
        check("tail", expected, |log| option_tail(log, there));
        check("`?`", expected, |log| option_question(log, there));
        check("return", expected, |log| option_return(log, there));
    }
    check("panic", UNWIND, option_panic);
}

guarded! { fn control_tail(log, flow: ControlFlow<u8>) -> ControlFlow<u8> { flow } }
guarded! { fn control_return(log, flow: ControlFlow<u8>) -> ControlFlow<u8> { return flow; } }
guarded! { fn control_question(log, flow: ControlFlow<u8>) -> ControlFlow<u8> {
    flow?;
    ControlFlow::Continue(())
} }

#[test]
fn a_control_flow_is_judged_by_value() {
    let cases = [(ControlFlow::Continue(()), SUCCESS), (ControlFlow::Break(3), ERROR)];
    for (flow, expected) in cases {
        check("tail", expected, |log| control_tail(log, flow));
        check("return", expected, |log| control_return(log, flow));
        check("`?`", expected, |log| control_question(log, flow));
    }
}

type Polled = Poll<Result<u8, u8>>;
type PolledNext = Poll<Option<Result<u8, u8>>>;

guarded! { fn poll_tail(log, poll: Polled) -> Polled { poll } }
guarded! { fn poll_return(log, poll: Polled) -> Polled { return poll; } }
guarded! { fn poll_question(log, poll: Polled) -> Polled { poll?.map(Ok) } }
guarded! { fn poll_option(log, poll: Poll<Option<u8>>) -> Poll<Option<u8>> { poll } }
guarded! { fn poll_flow(log, poll: Poll<ControlFlow<u8>>) -> Poll<ControlFlow<u8>> { poll } }
guarded! { fn poll_next(log, poll: PolledNext) -> PolledNext { poll?.map(|item| item.map(Ok)) } }
guarded! { fn poll_plain(log, poll: Poll<u8>) -> Poll<u8> { poll } }

#[test]
fn a_poll_is_judged_by_what_it_is_ready_with() {
    let cases =
        [(Poll::Pending, SUCCESS), (Poll::Ready(Ok(1)), SUCCESS), (Poll::Ready(Err(1)), ERROR)];
    for (poll, expected) in cases {
        check("tail", expected, |log| poll_tail(log, poll));
        check("return", expected, |log| poll_return(log, poll));
        check("`?`", expected, |log| poll_question(log, poll));
    }
    check("None", ERROR, |log| poll_option(log, Poll::Ready(None)));
    check("Some", SUCCESS, |log| poll_option(log, Poll::Ready(Some(1))));
    check("Break", ERROR, |log| poll_flow(log, Poll::Ready(ControlFlow::Break(1))));
    check("Continue", SUCCESS, |log| poll_flow(log, Poll::Ready(ControlFlow::Continue(()))));
    check("`?` on a stream's error", ERROR, |log| poll_next(log, Poll::Ready(Some(Err(1)))));
    check("no error side", SUCCESS, |log| poll_plain(log, Poll::Ready(1)));
}

guarded! { fn from_callee(log) -> Result<u8, String> { let value = panicking(1); Ok(value) } }
guarded! { fn from_index(log, of: &[u8]) -> Result<u8, String> { Ok(of[std::hint::black_box(7)]) } }
guarded! { fn from_arithmetic(log, by: u8) -> Result<u8, String> { Ok(1 / by) } }
guarded! { fn from_unwrap(log, of: Option<u8>) -> Result<u8, String> { Ok(of.unwrap()) } }
guarded! { fn from_any(log) -> Result<u8, String> { std::panic::panic_any(3) } }
guarded! { fn from_resumed(log) -> Result<u8, String> { std::panic::resume_unwind(Box::new(3)) } }
guarded! { fn from_assertion(log, one: u8) -> Result<u8, String> { assert_eq!(one, 2); Ok(one) } }

#[test]
fn every_kind_of_panic_is_an_unwind() {
    check("callee", UNWIND, from_callee);
    check("index", UNWIND, |log| from_index(log, &[]));
    check("arithmetic", UNWIND, |log| from_arithmetic(log, 0));
    check("unwrap", UNWIND, |log| from_unwrap(log, None));
    check("panic_any", UNWIND, from_any);
    check("resume_unwind", UNWIND, from_resumed);
    check("assert_eq", UNWIND, |log| from_assertion(log, 1));
}

/// No type whose value is known to be an error may read `Error` by its name alone.
mod named_alike {
    use super::{Log, check, must_cleanup};

    #[derive(Clone, Copy)]
    pub(super) enum Result {
        Err,
    }

    #[must_cleanup]
    fn own(log: &Log) -> Result {
        #[cleanup(log.note("success"), on = success)]
        let _success = 0;
        #[cleanup(log.note("error"), on = error)]
        let _error = 0;
        Result::Err
    }

    #[test]
    fn a_type_of_the_users_that_is_named_result_is_a_success() {
        check("own Result", "success", own);
    }
}
