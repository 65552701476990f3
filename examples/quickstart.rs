//! One annotated function, left in every way there is so far: which of its cleanups ran, and why.
//!
//! ```text
//! cargo run --example quickstart
//! ```
#![forbid(unsafe_code)]

use std::any::Any;
use std::cell::RefCell;
use std::panic;
use std::thread;

use anstream::println;
use anstyle::{AnsiColor, Style};
use backstop::{Guard, defer, must_cleanup, no_exit};

/// The ways to leave `transfer`.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Success,
    QuestionMark,
    ReturnErr,
    Panic,
    CleanupPanics,
    CleanupPanicsDuringPanic,
    CleanupFails,
    StatementFails,
    Dismiss,
    DropEarly,
    LoopTurns,
    PanicInSecondTurn,
}

use Way::{
    CleanupFails, CleanupPanics, CleanupPanicsDuringPanic, Dismiss, DropEarly, LoopTurns, Panic,
    PanicInSecondTurn, QuestionMark, ReturnErr, StatementFails, Success,
};

/// The function that all of this is about.
#[must_cleanup]
#[no_exit]
fn transfer(way: Way) -> Result<Option<Session>, &'static str> {
    defer! { ran("audit line") }

    #[cleanup(close(session, way))]
    let mut session = Session::open();

    #[cleanup(ran("unlock"))]
    lock(way)?;

    #[cleanup(ran("roll back"), on = failure)]
    let booking = session.book();

    defer!(on = success, ran("receipt"));

    for turn in 1..=turns(way) {
        #[cleanup(ran(format!("discard item {item}")), on = failure)]
        let item = booking.item(turn);
        defer!(on = success, ran(format!("file item {item}")));
        if way == LoopTurns {
            if turn == 1 {
                continue;
            }
            break;
        }
        assert!(turn < 2, "item {item} is bad");
    }

    check(way)?;
    match way {
        ReturnErr => return Err("the account is closed"),
        Panic | CleanupPanicsDuringPanic => panic!("the books do not balance"),
        DropEarly => {
            drop(session);
            body("goes on after `drop(session)`");
        }
        Dismiss => return Ok(Some(Guard::dismiss(session))),
        _ => {}
    }
    Ok(None)
}

/// Its cleanups, and the outcomes that each is declared for.
const DECLARED: [(&str, On); 7] = [
    ("audit line", On::Always),
    ("close session", On::Always),
    ("unlock", On::Always),
    ("roll back", On::Failure),
    ("receipt", On::Success),
    ("discard item", On::Failure),
    ("file item", On::Success),
];

const WAYS: [(Way, &str); 12] = [
    (Success, "reaches its end"),
    (QuestionMark, "`?` on an `Err`"),
    (ReturnErr, "`return Err(..)`"),
    (Panic, "panics"),
    (CleanupPanics, "a cleanup panics"),
    (CleanupPanicsDuringPanic, "panics, and then a cleanup does, too"),
    (CleanupFails, "a cleanup returns `Err`"),
    (StatementFails, "a guarded statement fails by `?`"),
    (Dismiss, "`Guard::dismiss(session)`"),
    (DropEarly, "`drop(session)` before the end"),
    (LoopTurns, "loop turns: `continue`, then `break`"),
    (PanicInSecondTurn, "loop turns: the second one panics"),
];

fn main() {
    // A cleanup that fails is one line on stderr by default; here it belongs into the log.
    backstop::set_observer(|event| log(Line::Reported(event.message.clone())));
    for (number, (way, title)) in (1..).zip(WAYS) {
        let result = quietly(|| transfer(way));
        print(number, title, way, &result, &LOG.take());
    }
}

/// Calls `f`, whose panics are expected: the hook that would announce them is put aside meanwhile.
fn quietly<T>(f: impl FnOnce() -> T + panic::UnwindSafe) -> thread::Result<T> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(f);
    panic::set_hook(hook);
    result
}

// What `transfer` works with.

struct Session {
    bookings: u32,
}

struct Booking {
    number: u32,
}

impl Session {
    fn open() -> Self {
        Self { bookings: 0 }
    }

    fn book(&mut self) -> Booking {
        self.bookings += 1;
        Booking { number: self.bookings }
    }
}

impl Booking {
    fn item(&self, turn: u32) -> String {
        format!("{}.{turn}", self.number)
    }
}

fn close(_: Session, way: Way) -> Result<(), &'static str> {
    ran("close session");
    match way {
        CleanupFails => Err("the session was lost"),
        CleanupPanics | CleanupPanicsDuringPanic => panic!("the session is broken"),
        _ => Ok(()),
    }
}

fn lock(way: Way) -> Result<(), &'static str> {
    if way == StatementFails { Err("the lock is taken") } else { Ok(()) }
}

fn check(way: Way) -> Result<(), &'static str> {
    if way == QuestionMark { Err("not enough money") } else { Ok(()) }
}

fn turns(way: Way) -> u32 {
    if matches!(way, LoopTurns | PanicInSecondTurn) { 3 } else { 0 }
}

// The log, and how it is printed.

#[derive(Clone, Copy, PartialEq)]
enum On {
    Always,
    Success,
    Failure,
}

enum Line {
    Ran(String),
    Body(&'static str),
    Reported(String),
}

thread_local! {
    static LOG: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

fn log(line: Line) {
    LOG.with_borrow_mut(|log| log.push(line));
}

fn ran(cleanup: impl Into<String>) {
    log(Line::Ran(cleanup.into()));
}

fn body(what: &'static str) {
    log(Line::Body(what));
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const RED: Style = AnsiColor::Red.on_default();

type Left = thread::Result<Result<Option<Session>, &'static str>>;

fn print(number: u32, title: &str, way: Way, left: &Left, log: &[Line]) {
    let (style, outcome, value) = match left {
        Ok(Ok(None)) => (GREEN, "success", "Ok".to_owned()),
        Ok(Ok(Some(_))) => (GREEN, "success", "Ok, and the session in it".to_owned()),
        Ok(Err(error)) => (YELLOW, "error", format!("Err: {error}")),
        Err(payload) => (RED, "unwind", format!("panic: {}", message(&**payload))),
    };
    println!("{BOLD}{number:>2}  {title:<38}{BOLD:#}{style}{outcome:<8}{style:#} {value}");
    for line in log {
        match line {
            Line::Ran(cleanup) => entry(GREEN, "ran", cleanup, declared(cleanup)),
            Line::Body(what) => entry(DIM, "body", what, ""),
            Line::Reported(message) => entry(RED, "reported", message, "to the observer"),
        }
    }
    for (cleanup, on) in DECLARED.into_iter().rev() {
        let has_run = log.iter().any(|line| matches!(line, Line::Ran(ran) if ran == cleanup));
        if let (false, Some(why)) = (has_run, not_run(way, cleanup, on)) {
            entry(DIM, "not run", cleanup, why);
        }
    }
    println!();
}

fn entry(style: Style, what: &str, subject: &str, why: &str) {
    println!("    {style}{what:<9}{subject:<29}{why}{style:#}");
}

fn declared(cleanup: &str) -> &'static str {
    match DECLARED.into_iter().find(|(name, _)| cleanup.starts_with(name)) {
        Some((_, On::Success)) => "on = success",
        Some((_, On::Failure)) => "on = failure",
        _ => "always",
    }
}

/// Why a cleanup did not run, where there is something to tell.
fn not_run(way: Way, cleanup: &str, on: On) -> Option<&'static str> {
    match (way, cleanup) {
        (_, "file item" | "discard item") => None,
        (Dismiss, "close session") => Some("dismissed: the caller has the session now"),
        (CleanupPanics, "roll back") => Some("its turn had passed when the panic came"),
        (StatementFails, "unlock") => Some("its statement failed: nothing to undo"),
        (StatementFails, _) => Some("not reached"),
        _ => match on {
            On::Always => Some("a bug in backstop"),
            On::Success => Some("only on = success"),
            On::Failure => Some("only on = failure"),
        },
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("?")
}
