#![deny(warnings)]

use backstop::{Guard, defer, must_cleanup};
use std::cell::RefCell;
use std::fmt::Write as _;

type Log = RefCell<Vec<String>>;

struct Session<'a>(&'a Log, &'static str);

impl Session<'_> {
    fn close(self) {
        self.0.borrow_mut().push(format!("close {}", self.1));
    }

    fn try_close(self) -> Result<(), std::fmt::Error> {
        let mut text = String::new();
        write!(text, "try {}", self.1)?;
        self.0.borrow_mut().push(text);
        Ok(())
    }

    fn rollback(&mut self) {
        self.0.borrow_mut().push(format!("rollback {}", self.1));
    }
}

fn note(log: &Log, text: &str) {
    log.borrow_mut().push(text.to_owned());
}

#[must_cleanup]
fn on_a_let(log: &Log) {
    #[cleanup(a.close())]
    let a = Session(log, "a");
    #[cleanup(b.rollback(), on = always)]
    let mut b: Session<'_> = Session(log, "b");
    #[cleanup(c.try_close(), name = "session", survives = unwind)]
    let c = Session(log, "c");
    #[cleanup(note(log, "block"), on = [success, error, unwind, cancel],)]
    let d = 1;
    #[cleanup({
        note(log, "statements");
        drop(e);
    }, on = success)]
    let e = Some(String::new());
    #[cleanup(f.close(), on = failure)]
    let f = Session(log, "never");
    #[cleanup(())]
    let g = ();
    b.1 = "changed";
    let _ = (a.1, c.1, *d, e.is_some(), f.1, *g);
}

#[must_cleanup]
fn on_a_statement(log: &Log) -> Result<(), String> {
    #[cleanup(note(log, "after a call"))]
    note(log, "call");
    #[cleanup(note(log, "after a macro"))]
    println!("macro");
    #[cleanup(note(log, "after an if"), on = success)]
    if log.borrow().is_empty() {
        note(log, "empty");
    }
    let mut x = 1;
    #[cleanup(note(log, "after an assignment"))]
    x += 1;
    #[cleanup(note(log, "never: its own statement failed"))]
    if x == 2 {
        Err(String::from("two"))?;
    }
    Ok(())
}

#[must_cleanup]
fn on_a_tail(log: &Log) -> usize {
    #[cleanup(note(log, "after the tail"))]
    log.borrow().len()
}

#[must_cleanup]
fn deferred(log: &Log) {
    defer! { note(log, "first declared") }
    defer!(note(log, "parentheses"));
    defer! {
        let text = String::from("statements");
        note(log, &text);
    }
    defer!(on = success, note(log, "on success"));
    defer!(on = failure, name = "named", note(log, "never"));
    note(log, "body");
}

fn deferred_anywhere(log: &Log) {
    defer! { note(log, "without the attribute") }
    note(log, "body");
}

#[must_cleanup]
fn of_what_was_taken_apart(log: &Log, input: Option<Session<'static>>) -> Result<u8, ()> {
    #[cleanup(note(log, "never bound"))]
    let session = {
        let Some(session) = input else { return Err(()) };
        session
    };
    Ok(u8::from(session.1.is_empty()))
}

#[must_cleanup]
fn early(log: &Log) -> Option<Session<'_>> {
    #[cleanup(a.close())]
    let a = Session(log, "dropped");
    #[cleanup(b.close())]
    let b = Session(log, "run");
    #[cleanup(c.close())]
    let c = Session(log, "dismissed");
    drop(a);
    Guard::run(b);
    Some(Guard::dismiss(c))
}

#[must_cleanup]
fn in_inner_blocks(log: &Log) {
    for turn in 0..2 {
        #[cleanup(note(log, "turn ends"))]
        let turn = turn;
        if *turn == 0 {
            continue;
        }
        #[cleanup(note(log, "second turn"))]
        note(log, "second");
    }
    match log.borrow().len() {
        0 => unreachable!(),
        _ => {
            #[cleanup(println!("arm"))]
            let arm = 1;
            let _ = *arm;
        }
    }
    'block: {
        #[cleanup(note(log, "labelled"))]
        let x = true;
        if *x {
            break 'block;
        }
    }
}

// Names of the user's own do not meet the hidden ones.
#[must_cleanup]
fn names_of_the_expansion(log: &Log) -> u8 {
    let (flag0, slot0, owner0, value0, verdict, result) = (1, 2, 3, 4, 5, 6);
    #[cleanup(note(log, &format!("{flag0}{slot0}{owner0}{value0}{verdict}{result}")))]
    let value = flag0 + slot0 + owner0 + value0 + verdict + result;
    *value
}

fn taken(log: &Log) -> Vec<String> {
    log.take()
}

fn main() {
    let log = Log::default();
    on_a_let(&log);
    assert_eq!(taken(&log), ["statements", "block", "try c", "rollback changed", "close a"]);
    assert_eq!(on_a_statement(&log), Err(String::from("two")));
    assert_eq!(taken(&log), ["call", "after an assignment", "after a macro", "after a call"]);
    assert_eq!(on_a_tail(&log), 0);
    assert_eq!(taken(&log), ["after the tail"]);
    deferred(&log);
    assert_eq!(taken(&log), ["body", "on success", "statements", "parentheses", "first declared"]);
    deferred_anywhere(&log);
    assert_eq!(taken(&log), ["body", "without the attribute"]);
    assert_eq!(of_what_was_taken_apart(&log, None), Err(()));
    assert_eq!(taken(&log), [""; 0]);
    early(&log).unwrap().rollback();
    assert_eq!(taken(&log), ["close dropped", "close run", "rollback dismissed"]);
    in_inner_blocks(&log);
    assert_eq!(taken(&log), ["turn ends", "second", "second turn", "turn ends", "labelled"]);
    assert_eq!(names_of_the_expansion(&log), 21);
    assert_eq!(taken(&log), ["123456"]);
}
