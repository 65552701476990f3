//! `#[cleanup]` on a statement: armed before it runs, called off if that very statement fails
//! through `?`.

#![allow(clippy::manual_assert, reason = "panics are spelled out")]

use backstop::must_cleanup;
use backstop_tests::{Log, caught};

fn announce(log: &Log, what: &str, works: bool) -> Result<(), String> {
    log.note(what);
    if works { Ok(()) } else { Err(what.to_owned()) }
}

#[must_cleanup]
fn announcing(log: &Log, case: u8) -> Result<(), String> {
    #[cleanup(log.note("undo-1"))]
    announce(log, "do-1", case != 1)?;
    #[cleanup(log.note("undo-2"))]
    announce(log, "do-2", case != 2)?;
    if case == 3 {
        return Err("later".to_owned());
    }
    if case == 4 {
        panic!("later");
    }
    log.note("done");
    Ok(())
}

#[test]
fn a_statement_that_fails_through_question_mark_is_not_undone() {
    let log = Log::new();
    announcing(&log, 1).unwrap_err();
    assert_eq!(log.take(), "do-1");
    announcing(&log, 2).unwrap_err();
    assert_eq!(log.take(), "do-1 do-2 undo-1");
}

#[test]
fn a_statement_that_succeeded_is_undone_on_every_later_way_out() {
    let log = Log::new();
    announcing(&log, 0).unwrap();
    assert_eq!(log.take(), "do-1 do-2 done undo-2 undo-1");
    announcing(&log, 3).unwrap_err();
    assert_eq!(log.take(), "do-1 do-2 undo-2 undo-1");
    caught(|| announcing(&log, 4)).unwrap_err();
    assert_eq!(log.take(), "do-1 do-2 undo-2 undo-1");
}

#[must_cleanup]
fn panicking(log: &Log, on_failure: bool) {
    #[cleanup(log.note("undo"))]
    assert!(!on_failure, "in the statement");
    log.note("done");
}

#[test]
fn a_panic_in_the_statement_finds_it_armed() {
    let log = Log::new();
    assert_eq!(caught(|| panicking(&log, true)), Err("in the statement".to_owned()));
    assert_eq!(log.take(), "undo");
    panicking(&log, false);
    assert_eq!(log.take(), "done undo");
}

#[must_cleanup]
fn returning(log: &Log, case: u8) -> Result<(), String> {
    #[cleanup(log.note("undo"))]
    if case == 1 {
        return Err("by return".to_owned());
    } else if case == 2 {
        announce(log, "inner", false)?;
    }
    Ok(())
}

#[test]
fn a_return_in_the_statement_finds_it_armed_and_a_question_mark_in_it_disarms() {
    let log = Log::new();
    returning(&log, 1).unwrap_err();
    assert_eq!(log.take(), "undo");
    returning(&log, 2).unwrap_err();
    assert_eq!(log.take(), "inner");
    returning(&log, 0).unwrap();
    assert_eq!(log.take(), "undo");
}

#[must_cleanup]
fn every_kind(log: &Log, mut numbers: Vec<u8>) -> Result<u8, String> {
    #[cleanup(log.note("method"))]
    numbers.push(3);
    #[cleanup(log.note("assignment"))]
    numbers[0] = 7;
    #[cleanup(log.note("compound"))]
    numbers[0] += 1;
    #[cleanup(log.note("macro"))]
    assert!(!numbers.is_empty());
    #[cleanup(log.note("block"))]
    {
        announce(log, "in-block", true)?;
    }
    #[cleanup(log.note("for"))]
    for number in &numbers {
        log.note(number.to_string());
    }
    #[cleanup(log.note("while"))]
    while numbers.len() > 1 {
        numbers.pop();
    }
    #[cleanup(log.note("match"))]
    match numbers.first() {
        Some(8) => log.note("eight"),
        _ => log.note("other"),
    }
    #[cleanup(log.note("semicolon-less"))]
    if numbers.len() == 1 {
        log.note("one");
    }
    #[cleanup(log.note("return"))]
    return Ok(numbers[0]);
}

#[test]
fn every_kind_of_statement_is_guarded() {
    let log = Log::new();
    assert_eq!(every_kind(&log, vec![1]), Ok(8));
    let body = "in-block 8 3 eight one";
    let undone = "return semicolon-less match while for block macro compound assignment method";
    assert_eq!(log.take(), format!("{body} {undone}"));
}

#[must_cleanup]
fn as_tail(log: &Log, works: bool) -> Result<(), String> {
    #[cleanup(log.note("on-error"), on = error)]
    announce(log, "tail", works)
}

#[must_cleanup]
fn question_as_tail(log: &Log, works: Option<bool>) -> Option<bool> {
    #[cleanup(log.note("undo"))]
    Some(works?)
}

#[must_cleanup]
fn match_as_tail(log: &Log, works: bool) -> Option<u8> {
    #[cleanup(log.note("on-error"), on = error)]
    match works {
        true => Some(1),
        false => None,
    }
}

#[must_cleanup]
fn unit_tail(log: &Log) {
    #[cleanup(log.note("after"))]
    log.note("tail")
}

#[test]
fn a_tail_is_a_statement_too() {
    let log = Log::new();
    as_tail(&log, true).unwrap();
    assert_eq!(log.take(), "tail");
    as_tail(&log, false).unwrap_err();
    assert_eq!(log.take(), "tail on-error");
    assert_eq!(question_as_tail(&log, None), None);
    assert_eq!(log.take(), "");
    assert_eq!(question_as_tail(&log, Some(true)), Some(true));
    assert_eq!(log.take(), "undo");
    assert_eq!(match_as_tail(&log, false), None);
    assert_eq!(log.take(), "on-error");
    unit_tail(&log);
    assert_eq!(log.take(), "tail after");
}

#[must_cleanup]
fn in_a_loop(log: &Log, fails_at: u8) -> Result<(), String> {
    for turn in 0..3 {
        #[cleanup(log.note(format!("undo-{turn}")))]
        announce(log, "do", turn != fails_at)?;
        if turn == 1 {
            continue;
        }
        log.note("end");
    }
    Ok(())
}

#[test]
fn each_turn_arms_its_own() {
    let log = Log::new();
    in_a_loop(&log, 9).unwrap();
    assert_eq!(log.take(), "do end undo-0 do undo-1 do end undo-2");
    in_a_loop(&log, 1).unwrap_err();
    assert_eq!(log.take(), "do end undo-0 do");
}

#[must_cleanup]
fn nested(log: &Log, case: u8) -> Result<(), String> {
    #[cleanup(log.note("undo-outer"))]
    {
        #[cleanup(log.note("undo-inner"))]
        announce(log, "inner", case != 1)?;
        announce(log, "between", case != 2)?;
    }
    announce(log, "last", case != 3)
}

#[test]
fn a_failure_in_a_guarded_block_calls_off_the_statements_that_it_fails() {
    let log = Log::new();
    nested(&log, 1).unwrap_err();
    assert_eq!(log.take(), "inner", "both failed");
    nested(&log, 2).unwrap_err();
    assert_eq!(log.take(), "inner between undo-inner", "the inner statement had succeeded");
    nested(&log, 3).unwrap_err();
    assert_eq!(log.take(), "inner between undo-inner last undo-outer");
}

#[must_cleanup]
fn configured(log: &Log) {
    #[cfg(any())]
    #[cleanup(log.note("never"))]
    log.note("absent");
    #[cfg(panic = "unwind")]
    #[cleanup(log.note("undo"))]
    log.note("present");
}

#[test]
fn a_cleanup_that_is_configured_out_is_gone_with_its_statement() {
    let log = Log::new();
    configured(&log);
    assert_eq!(log.take(), "present undo");
}
