//! Guards in blocks and loops: what they read when a block is left, and that each turn has its own.

#![allow(
    clippy::manual_assert,
    clippy::needless_continue,
    clippy::never_loop,
    reason = "every way out is spelled out"
)]

use backstop::must_cleanup;
use backstop_tests::{Log, caught};

#[track_caller]
fn runs<R>(expected: &str, function: impl FnOnce(&Log) -> R) {
    let log = Log::new();
    let _ = caught(|| function(&log));
    assert_eq!(log.take(), expected);
}

#[must_cleanup]
fn nested(log: &Log, case: u8) -> Result<u8, String> {
    #[cleanup(log.note("outer:success"), on = success)]
    let _outer_success = 0;
    #[cleanup(log.note("outer:failure"), on = failure)]
    let _outer_failure = 0;
    let value = {
        #[cleanup(log.note("inner:success"), on = success)]
        let _inner_success = 0;
        #[cleanup(log.note("inner:failure"), on = failure)]
        let _inner_failure = 0;
        if case == 1 {
            return Err("from the inner block".to_owned());
        }
        if case == 2 {
            Err("by a question mark")?;
        }
        if case == 3 {
            panic!("from the inner block");
        }
        if case == 4 {
            return Ok(4);
        }
        case
    };
    log.note("between");
    if case == 5 { Err("after the inner block".to_owned()) } else { Ok(value) }
}

#[test]
fn an_inner_block_that_ends_is_a_success_whatever_the_function_does_later() {
    runs("inner:success between outer:success", |log| nested(log, 0));
    runs("inner:success between outer:failure", |log| nested(log, 5));
}

#[test]
fn an_exit_from_an_inner_block_is_the_outcome_of_every_block_it_leaves() {
    runs("inner:failure outer:failure", |log| nested(log, 1));
    runs("inner:failure outer:failure", |log| nested(log, 2));
    runs("inner:failure outer:failure", |log| nested(log, 3));
    runs("inner:success outer:success", |log| nested(log, 4));
}

#[must_cleanup]
fn turns(log: &Log, case: u8) -> Result<u8, String> {
    'outer: for i in 0..2 {
        #[cleanup(log.note(format!("{i}:success")), on = success)]
        let _success = 0;
        #[cleanup(log.note(format!("{i}:error")), on = error)]
        let _error = 0;
        #[cleanup(log.note(format!("{i}:unwind")), on = unwind)]
        let _unwind = 0;
        for j in 0..2 {
            #[cleanup(log.note(format!("{i}.{j}:success")), on = success)]
            let _success = 0;
            #[cleanup(log.note(format!("{i}.{j}:error")), on = error)]
            let _error = 0;
            #[cleanup(log.note(format!("{i}.{j}:unwind")), on = unwind)]
            let _unwind = 0;
            match (case, i, j) {
                (1, ..) => break,
                (2, 0, 0) => continue,
                (3, ..) => break 'outer,
                (4, ..) => continue 'outer,
                (5, _, 1) => panic!("in the second turn of the inner loop"),
                (6, 1, _) => panic!("in the second turn of the outer loop"),
                (7, _, 1) => return Err("in the second turn".to_owned()),
                (8, _, 1) => Err("in the second turn")?,
                (9, _, 1) => return Ok(1),
                _ => {}
            }
        }
        if case == 10 {
            break;
        }
    }
    Ok(0)
}

#[test]
fn guards_of_a_loop_run_once_per_turn() {
    runs("0.0:success 0.1:success 0:success 1.0:success 1.1:success 1:success", |log| {
        turns(log, 0)
    });
}

#[test]
fn break_and_continue_are_successes_of_the_blocks_they_leave() {
    runs("0.0:success 0:success 1.0:success 1:success", |log| turns(log, 1));
    runs("0.0:success 0.1:success 0:success 1.0:success 1.1:success 1:success", |log| {
        turns(log, 2)
    });
    runs("0.0:success 0:success", |log| turns(log, 3));
    runs("0.0:success 0:success 1.0:success 1:success", |log| turns(log, 4));
    runs("0.0:success 0.1:success 0:success", |log| turns(log, 10));
}

#[test]
fn a_panic_in_the_second_turn_is_an_unwind_though_the_first_turn_succeeded() {
    runs("0.0:success 0.1:unwind 0:unwind", |log| turns(log, 5));
    runs("0.0:success 0.1:success 0:success 1.0:unwind 1:unwind", |log| turns(log, 6));
}

#[test]
fn an_exit_from_the_second_turn_is_judged_by_its_value() {
    runs("0.0:success 0.1:error 0:error", |log| turns(log, 7));
    runs("0.0:success 0.1:error 0:error", |log| turns(log, 8));
    runs("0.0:success 0.1:success 0:success", |log| turns(log, 9));
}

#[must_cleanup]
fn loops_with_values(log: &Log, case: u8) -> u8 {
    let first = loop {
        #[cleanup(log.note("loop:success"), on = success)]
        let _success = 0;
        #[cleanup(log.note("loop:failure"), on = failure)]
        let _failure = 0;
        if case == 0 {
            break 1;
        }
        break {
            #[cleanup(log.note("value:success"), on = success)]
            let two = 2;
            *two
        };
    };
    let second = 'labelled: {
        #[cleanup(log.note("block:success"), on = success)]
        let _success = 0;
        if case == 1 {
            break 'labelled 10;
        }
        'inner: {
            #[cleanup(log.note("inner:success"), on = success)]
            let _success = 0;
            if case == 2 {
                break 'labelled 20;
            }
            if case == 3 {
                break 'inner;
            }
        }
        30
    };
    first + second
}

#[test]
fn break_with_a_value_is_a_success_of_loops_and_labelled_blocks() {
    let cases = [
        (0, 31, "loop:success inner:success block:success"),
        (1, 12, "value:success loop:success block:success"),
        (2, 22, "value:success loop:success inner:success block:success"),
        (3, 32, "value:success loop:success inner:success block:success"),
    ];
    for (case, value, expected) in cases {
        runs(expected, |log| assert_eq!(loops_with_values(log, case), value));
    }
}

#[must_cleanup]
fn while_loops(log: &Log, items: &mut Vec<Result<u8, String>>) -> Result<u8, String> {
    let mut sum = 0;
    while let Some(item) = items.pop() {
        #[cleanup(log.note("turn:success"), on = success)]
        let _success = 0;
        #[cleanup(log.note("turn:error"), on = error)]
        let _error = 0;
        let item = item?;
        if item == 0 {
            continue;
        }
        sum += item;
    }
    while sum < 10 {
        #[cleanup(log.note(format!("at {before}")))]
        let before = sum;
        sum += *before;
        if sum == 4 {
            break;
        }
    }
    Ok(sum)
}

#[test]
fn while_and_while_let_run_their_guards_each_turn() {
    runs("turn:success turn:success turn:success at 3 at 6", |log| {
        assert_eq!(while_loops(log, &mut vec![Ok(1), Ok(0), Ok(2)]), Ok(12));
    });
    runs("turn:success turn:error", |log| {
        while_loops(log, &mut vec![Ok(1), Err("second".to_owned()), Ok(2)])
    });
    runs("turn:success at 2", |log| assert_eq!(while_loops(log, &mut vec![Ok(2)]), Ok(4)));
}

#[must_cleanup]
fn blocks_everywhere(log: &Log, case: u8) -> Result<u8, String> {
    let in_arm = match case {
        0 => {
            #[cleanup(log.note("arm"), on = success)]
            let value = 1;
            *value
        }
        _ => 2,
    };
    let in_condition = if {
        #[cleanup(log.note("condition"), on = success)]
        let value = case;
        *value < 3
    } {
        #[cleanup(log.note("then"), on = success)]
        let value = 10;
        *value
    } else {
        #[cleanup(log.note("else"), on = success)]
        let value = 20;
        *value
    };
    let in_argument = u8::max(
        {
            #[cleanup(log.note("argument"), on = success)]
            let value = 100;
            *value
        },
        1,
    );
    let Some(in_let_else) = (case != 2).then_some(0) else {
        #[cleanup(log.note("let-else"), on = error)]
        let _failing = 0;
        return Err("case 2".to_owned());
    };
    Ok(in_arm + in_condition + in_argument + in_let_else)
}

#[test]
fn every_block_may_hold_guards() {
    runs("arm condition then argument", |log| assert_eq!(blocks_everywhere(log, 0), Ok(111)));
    runs("condition else argument", |log| assert_eq!(blocks_everywhere(log, 3), Ok(122)));
    runs("condition then argument let-else", |log| blocks_everywhere(log, 2));
}

#[must_cleanup]
fn tail_blocks(log: &Log, case: u8) -> Result<u8, String> {
    #[cleanup(log.note("outer:error"), on = error)]
    let _outer = 0;
    if case == 0 {
        #[cleanup(log.note("then:success"), on = success)]
        let _success = 0;
        #[cleanup(log.note("then:error"), on = error)]
        let _error = 0;
        Ok(1)
    } else {
        #[cleanup(log.note("else:success"), on = success)]
        let _success = 0;
        #[cleanup(log.note("else:error"), on = error)]
        let _error = 0;
        Err("the tail's".to_owned())
    }
}

#[test]
fn a_block_that_is_the_tail_reads_what_the_function_is_left_with() {
    runs("then:success", |log| tail_blocks(log, 0));
    runs("else:error outer:error", |log| tail_blocks(log, 1));
}
