//! Tails that a rewriting could break: closures, opaque types, coercions, macros, diverging calls.

#![allow(
    clippy::redundant_else,
    clippy::manual_assert,
    clippy::type_complexity,
    clippy::if_same_then_else,
    clippy::never_loop,
    clippy::ptr_arg,
    reason = "these tails are the test"
)]
#![deny(warnings)]

use std::fmt::{Debug, Display};
use std::sync::{Mutex, MutexGuard};

use backstop::must_cleanup;
use backstop_tests::{Log, caught};

#[must_cleanup]
fn closure(log: &Log, add: usize) -> impl Fn(&str) -> usize + use<> {
    #[cleanup(log.note("c"))]
    let _guard = 0;
    move |text| text.len() + add
}

#[must_cleanup]
fn higher_ranked(log: &Log, from: usize) -> impl for<'a> Fn(&'a str) -> &'a str + use<> {
    #[cleanup(log.note("c"))]
    let _guard = 0;
    if from == 9 {
        panic!("9");
    }
    move |text| &text[from..]
}

#[must_cleanup]
fn boxed(log: &Log, from: usize) -> Box<dyn for<'a> Fn(&'a str) -> &'a str> {
    #[cleanup(log.note("c"))]
    let _guard = 0;
    if from == 9 {
        return Box::new(|_| "nine");
    }
    match from {
        0 => Box::new(|text| text),
        _ => Box::new(move |text| &text[from..]),
    }
}

#[must_cleanup]
fn boxed_in_result(log: &Log, add: usize) -> Result<Box<dyn Fn(&str) -> usize>, String> {
    #[cleanup(log.note("c"))]
    let _guard = 0;
    if add == 9 {
        return Err("nine".into());
    }
    Ok(Box::new(move |text| text.len() + add))
}

#[must_cleanup]
fn function_pointer(log: &Log, which: u8) -> fn(&str) -> usize {
    #[cleanup(log.note("c"))]
    let _guard = 0;
    match which {
        0 => |text| text.len() + 1,
        1 => str::len,
        _ => |_| 7,
    }
}

#[test]
fn closures_keep_the_signature_that_the_return_type_gives_them() {
    let log = Log::new();
    assert_eq!(closure(&log, 1)("ab"), 3);
    assert_eq!(higher_ranked(&log, 1)("ab"), "b");
    assert_eq!(
        (boxed(&log, 0)("ab"), boxed(&log, 1)("ab"), boxed(&log, 9)("ab")),
        ("ab", "b", "nine")
    );
    assert_eq!(boxed_in_result(&log, 1).map(|f| f("ab")), Ok(3));
    assert!(boxed_in_result(&log, 9).is_err());
    assert_eq!([0, 1, 2].map(|which| function_pointer(&log, which)("ab")), [3, 2, 7]);
    assert_eq!(log.take(), ["c"; 10].join(" "));
}

#[must_cleanup]
fn opaque<'a>(log: &Log, of: &'a [u32]) -> impl Iterator<Item = u32> + use<'a> {
    #[cleanup(log.note("success"), on = success)]
    let _guard = 0;
    of.iter().map(|n| n + 1)
}

#[must_cleanup]
fn opaque_in_result(log: &Log, works: bool) -> Result<impl Iterator<Item = u32> + use<>, String> {
    #[cleanup(log.note("error"), on = error)]
    let _guard = 0;
    if !works {
        Err("question")?;
    }
    Ok((0..3).filter(|n| n % 2 == 0))
}

#[must_cleanup]
fn opaque_in_tuple(log: &Log) -> (impl Display + use<>, Option<impl Debug + use<>>) {
    #[cleanup(log.note("success"), on = success)]
    let _guard = 0;
    (1, Some("two"))
}

#[test]
fn impl_trait_is_returned_as_before_and_judged_where_it_is_inside_a_result() {
    let log = Log::new();
    assert_eq!(opaque(&log, &[1, 2]).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(opaque_in_result(&log, true).unwrap().collect::<Vec<_>>(), [0, 2]);
    assert_eq!(log.take(), "success");
    assert_eq!(opaque_in_result(&log, false).err().as_deref(), Some("question"));
    assert_eq!(log.take(), "error");
    let (one, two) = opaque_in_tuple(&log);
    assert_eq!(format!("{one}{two:?}"), r#"1Some("two")"#);
}

fn die(why: &str) -> ! {
    panic!("{why}")
}

#[must_cleanup(unwinds(die))]
fn never(log: &Log) -> ! {
    #[cleanup(log.note("unwind"), on = unwind)]
    let _guard = 0;
    die("never")
}

#[must_cleanup(unwinds(die))]
fn never_by_statement(log: &Log) -> ! {
    #[cleanup(log.note("unwind"), on = unwind)]
    let _guard = 0;
    die("never");
}

#[must_cleanup]
fn never_by_std(log: &Log, how: u8) -> ! {
    #[cleanup(log.note("unwind"), on = unwind)]
    let _guard = 0;
    match how {
        0 => panic!("macro"),
        1 => std::panic::panic_any("any"),
        2 => std::panic::resume_unwind(Box::new("resumed")),
        _ => unreachable!(),
    }
}

#[must_cleanup(unwinds(die))]
fn leaf_that_diverges(log: &Log, value: Option<u8>) -> Result<u8, String> {
    #[cleanup(log.note("success"), on = success)]
    let _success = 0;
    #[cleanup(log.note("unwind"), on = unwind)]
    let _unwind = 0;
    match value {
        Some(0) => die("leaf"),
        Some(value) => Ok(value),
        None => die(&format!("{value:?}")),
    }
}

macro_rules! gives_up {
    ($value:expr) => {
        return $value
    };
}

#[must_cleanup]
fn macro_that_diverges(log: &Log, case: u8) -> Option<u8> {
    #[cleanup(log.note("error"), on = error)]
    let _error = 0;
    if case == 0 { gives_up!(None) } else { gives_up!(None) }
}

#[must_cleanup]
fn loop_that_leaves_by_a_label(log: &Log, case: u8) -> u8 {
    'outer: loop {
        #[cleanup(log.note("turn"), on = success)]
        let _guard = 0;
        loop {
            if case == 1 {
                break 'outer 1;
            }
            break 'outer 2;
        }
    }
}

/// The file denies warnings: without the attribute none of these has one.
#[test]
fn leaves_that_diverge_unwind_without_a_warning() {
    let log = Log::new();
    assert_eq!(caught(|| never(&log)), Err("never".to_owned()));
    assert_eq!(caught(|| never_by_statement(&log)), Err("never".to_owned()));
    for (how, message) in [(0, "macro"), (1, "any"), (2, "resumed")] {
        assert_eq!(caught(|| never_by_std(&log, how)), Err(message.to_owned()));
    }
    assert_eq!(log.take(), ["unwind"; 5].join(" "));
    assert_eq!(caught(|| leaf_that_diverges(&log, None)), Err("None".to_owned()));
    assert_eq!(caught(|| leaf_that_diverges(&log, Some(0))), Err("leaf".to_owned()));
    assert_eq!(caught(|| leaf_that_diverges(&log, Some(1))), Ok(Ok(1)));
    assert_eq!(log.take(), "unwind unwind success");
    assert_eq!((macro_that_diverges(&log, 0), macro_that_diverges(&log, 1)), (None, None));
    assert_eq!(log.take(), "error error");
    assert_eq!(loop_that_leaves_by_a_label(&log, 1), 1);
    assert_eq!(log.take(), "turn");
}

#[must_cleanup]
fn cfg_blocks(log: &Log) -> Result<u8, String> {
    #[cleanup(log.note("error"), on = error)]
    let _error = 0;
    #[cfg(unix)]
    {
        Err("unix".to_owned())
    }
    #[cfg(not(unix))]
    {
        Ok(1)
    }
}

#[must_cleanup]
fn cfg_expressions(log: &Log) -> Option<u8> {
    #[cleanup(log.note("error"), on = error)]
    let _error = 0;
    #[cfg(any())]
    return Some(1);
    #[cfg(panic = "unwind")]
    return None;
}

#[must_cleanup]
fn cfg_matches(log: &Log, number: u8) -> Option<u8> {
    #[cleanup(log.note("error"), on = error)]
    let _error = 0;
    match number {
        #[cfg(any())]
        0 => None,
        #[cfg(panic = "unwind")]
        0 => Some(1),
        _ => None,
    }
}

#[test]
fn whichever_cfg_tail_stays_is_judged() {
    let log = Log::new();
    assert!(cfg_blocks(&log).is_err());
    assert!(cfg_expressions(&log).is_none());
    assert_eq!(cfg_matches(&log, 0), Some(1));
    assert_eq!(cfg_matches(&log, 1), None);
    assert_eq!(log.take(), "error error error");
}

macro_rules! statements {
    ($($tokens:tt)*) => { $($tokens)* };
}

#[must_cleanup]
fn brace_macro(log: &Log, works: bool) -> Result<u8, String> {
    #[cleanup(log.note("error"), on = error)]
    let _error = 0;
    statements! {
        let value = works.then_some(1);
        value.ok_or_else(|| "no".to_owned())
    }
}

#[must_cleanup]
fn brace_macro_of_unit(log: &Log) {
    #[cleanup(log.note("success"), on = success)]
    let _success = 0;
    statements! {
        let text = "inside";
        log.note(text);
    }
}

#[test]
fn a_brace_macro_as_tail_gives_its_value() {
    let log = Log::new();
    assert_eq!(brace_macro(&log, true), Ok(1));
    assert!(brace_macro(&log, false).is_err());
    brace_macro_of_unit(&log);
    assert_eq!(log.take(), "error inside success");
}

#[must_cleanup]
fn unit_if_let(log: &Log, value: Option<&str>) {
    #[cleanup(log.note("success"), on = success)]
    let _success = 0;
    if let Some(value) = value {
        log.note(value);
    }
}

#[must_cleanup]
fn unit_for(log: &Log) {
    #[cleanup(log.note("success"), on = success)]
    let _success = 0;
    for turn in 0..2 {
        log.note(turn.to_string());
    }
}

#[must_cleanup]
fn unit_while(log: &Log, mut count: u8) {
    #[cleanup(log.note("success"), on = success)]
    let _success = 0;
    while count > 0 {
        count -= 1;
    }
}

#[must_cleanup]
#[allow(
    clippy::let_unit_value,
    clippy::semicolon_if_nothing_returned,
    reason = "the tail is the test"
)]
fn unit_call(log: &Log) {
    #[cleanup(log.note("success"), on = success)]
    let _success = 0;
    log.note("tail")
}

#[test]
fn tails_of_type_unit_end_in_success() {
    let log = Log::new();
    unit_if_let(&log, Some("some"));
    unit_if_let(&log, None);
    unit_for(&log);
    unit_while(&log, 2);
    unit_call(&log);
    assert_eq!(log.take(), "some success success 0 1 success success tail success");
}

#[must_cleanup]
fn lock_in_tail(log: &Log, numbers: &Mutex<Vec<u8>>) -> usize {
    #[cleanup(log.note(numbers.try_lock().is_ok().to_string()))]
    let _guard = 0;
    numbers.lock().unwrap().len()
}

#[must_cleanup]
fn lock_returned<'a>(log: &Log, numbers: &'a Mutex<Vec<u8>>) -> Option<MutexGuard<'a, Vec<u8>>> {
    #[cleanup(log.note(numbers.try_lock().is_ok().to_string()))]
    let _guard = 0;
    numbers.lock().ok()
}

#[test]
fn a_lock_taken_in_the_tail_is_released_as_edition_2024_says() {
    let log = Log::new();
    let numbers = Mutex::new(vec![1]);
    assert_eq!(lock_in_tail(&log, &numbers), 1);
    assert_eq!(log.take(), "true");
    assert_eq!(lock_returned(&log, &numbers).map(|numbers| numbers.len()), Some(1));
    assert_eq!(log.take(), "false");
}

#[must_cleanup]
fn coercions(
    log: &Log,
    case: u8,
) -> Result<Box<dyn Debug>, Box<dyn std::error::Error + Send + Sync>> {
    #[cleanup(log.note("error"), on = error)]
    let _error = 0;
    if case == 0 {
        return Err(Box::new(std::fmt::Error));
    }
    if case == 1 {
        return Err("text".into());
    }
    if case == 2 { Ok(Box::new(1)) } else { Ok(Box::new("text")) }
}

#[must_cleanup]
fn deref_coercions<'a>(log: &Log, text: &'a String, case: u8) -> Option<&'a str> {
    #[cleanup(log.note("error"), on = error)]
    let _error = 0;
    match case {
        0 => Some(text),
        1 => return Some(&text[1..]),
        _ => None,
    }
}

#[must_cleanup]
fn slice<'a>(_log: &Log, all: &'a Vec<u8>, own: &'a mut [u8; 2]) -> (&'a [u8], &'a mut [u8]) {
    #[cleanup(())]
    let _guard = 0;
    (all, own)
}

#[must_cleanup]
fn reborrowed<'a>(_log: &Log, all: &'a mut Vec<u8>) -> &'a mut u8 {
    #[cleanup(())]
    let _guard = 0;
    if all.len() > 3 {
        return &mut all[3];
    }
    all.push(4);
    &mut all[0]
}

#[test]
fn values_coerce_to_the_return_type_as_before() {
    let log = Log::new();
    assert!(coercions(&log, 0).is_err());
    assert!(coercions(&log, 1).is_err());
    assert_eq!(
        format!("{:?}{:?}", coercions(&log, 2).unwrap(), coercions(&log, 3).unwrap()),
        "1\"text\""
    );
    let text = String::from("ab");
    assert_eq!(
        [0, 1, 2].map(|case| deref_coercions(&log, &text, case)),
        [Some("ab"), Some("b"), None]
    );
    assert_eq!(log.take(), "error error error");
    assert_eq!(slice(&log, &vec![1], &mut [2, 3]), (&[1][..], &mut [2, 3][..]));
    *reborrowed(&log, &mut vec![1, 2]) += 1;
}
