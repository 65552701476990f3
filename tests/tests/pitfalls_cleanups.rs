//! Part B of docs/pitfalls.md: cleanups that run too late, too often, or wrongly. Test names begin
//! with the row.

use std::cell::{Cell, RefCell};

use backstop::{EventKind, defer, must_cleanup};
use backstop_tests::{Log, caught, with_events};

#[must_cleanup]
fn loop_variable(log: &Log) {
    for turn in 0..3 {
        #[cleanup(log.note(turn.to_string()))]
        log.note("turn");
    }
    for turn in 0..3 {
        defer! { log.note(format!("deferred-{turn}")) }
    }
}

#[test]
fn b2_each_cleanup_sees_its_own_turns_variable() {
    let log = Log::new();
    loop_variable(&log);
    assert_eq!(log.take(), "turn 0 turn 1 turn 2 deferred-0 deferred-1 deferred-2");
}

#[must_cleanup]
fn result_before_cleanup(counter: &Cell<u32>) -> Result<u32, String> {
    #[cleanup(counter.set(counter.get() * 100))]
    let _guard = 0;
    #[cleanup(Err::<(), _>("the cleanup's own error"))]
    let _fails = 0;
    Ok(counter.get())
}

#[test]
fn b4_a_cleanup_changes_no_result_silently() {
    let counter = Cell::new(7);
    let (result, events) = with_events(|| result_before_cleanup(&counter));
    assert_eq!((result, counter.get()), (Ok(7), 700));
    assert_eq!(events.len(), 1, "its error is seen, and the success stays one");
}

struct File<'l>(&'l Log);
impl File<'_> {
    fn close(self) -> Result<(), String> {
        self.0.note("closed");
        Err("disk full".to_owned())
    }
}

#[must_cleanup]
fn writes(log: &Log) -> usize {
    #[cleanup(file.close(), name = "journal")]
    let file = File(log);
    file.0.note("written");
    7
}

#[test]
fn b6_the_error_of_close_is_an_event() {
    let log = Log::new();
    let (written, events) = with_events(|| writes(&log));
    assert_eq!((written, log.take().as_str()), (7, "written closed"));
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.kind, event.name.as_str()), (EventKind::CleanupFailed, "journal"));
    assert_eq!(event.message, "disk full");
}

fn query(log: &Log, works: bool) -> Result<File<'_>, String> {
    log.note("query");
    if works { Ok(File(log)) } else { Err("no connection".to_owned()) }
}

#[must_cleanup]
fn reads(log: &Log, works: bool) -> Result<(), String> {
    #[cleanup(rows.close())]
    let rows = query(log, works)?;
    rows.0.note("read");
    Ok(())
}

#[test]
fn b7_what_was_not_opened_is_not_closed() {
    let log = Log::new();
    assert_eq!(reads(&log, false), Err("no connection".to_owned()));
    assert_eq!(log.take(), "query");
    let (result, _) = with_events(|| reads(&log, true));
    assert_eq!((result, log.take().as_str()), (Ok(()), "query read closed"));
}

#[must_cleanup]
fn evaluated_late(log: &Log) {
    let current = Cell::new("declared");
    #[cleanup(log.note(current.get()))]
    let _guard = 0;
    defer! { log.note(current.get()) }
    let captured = current.get();
    defer!(log.note(captured));
    current.set("changed");
}

#[test]
fn b8_arguments_are_read_when_the_cleanup_runs_and_a_local_keeps_the_value_of_before() {
    let log = Log::new();
    evaluated_late(&log);
    assert_eq!(log.take(), "declared changed changed");
}

/// A pool that takes objects back, and a `Once` that may be tried again.
#[derive(Default)]
struct Pool {
    buffers: RefCell<Vec<Vec<u8>>>,
    ready: Cell<bool>,
    attempts: Cell<u32>,
}

impl Pool {
    fn take(&self) -> Vec<u8> {
        self.buffers.borrow_mut().pop().unwrap_or_default()
    }

    fn put(&self, buffer: Vec<u8>) {
        self.buffers.borrow_mut().push(buffer);
    }
}

#[must_cleanup]
fn fill(pool: &Pool, text: &str) -> Result<usize, String> {
    #[cleanup(pool.put(buffer))]
    let mut buffer = pool.take();
    // Declared later, so it runs first: what goes back is clean.
    #[cleanup(buffer.clear(), on = always)]
    let mut buffer = &mut *buffer;
    buffer.extend_from_slice(text.as_bytes());
    if text == "error" {
        return Err(text.to_owned());
    }
    assert_ne!(text, "panic");
    Ok(buffer.len())
}

#[test]
fn b10_a_pooled_buffer_goes_back_clean_after_errors_and_panics() {
    let pool = Pool::default();
    assert_eq!(fill(&pool, "text"), Ok(4));
    assert_eq!(fill(&pool, "error"), Err("error".to_owned()));
    assert!(caught(|| fill(&pool, "panic")).is_err());
    assert_eq!(fill(&pool, "again"), Ok(5));
    let buffers = pool.buffers.borrow();
    assert_eq!(*buffers, [Vec::<u8>::new()], "one buffer, used four times, empty");
    assert!(buffers[0].capacity() > 0);
}

#[must_cleanup]
fn initialise(pool: &Pool) {
    if pool.ready.replace(true) {
        return;
    }
    #[cleanup(pool.ready.set(false), on = failure)]
    let _ready = 0;
    pool.attempts.set(pool.attempts.get() + 1);
    assert!(pool.attempts.get() > 1, "the first attempt fails");
}

#[test]
fn b10_an_initialisation_that_panicked_is_not_done() {
    let pool = Pool::default();
    assert!(caught(|| initialise(&pool)).is_err());
    assert!(!pool.ready.get());
    initialise(&pool);
    initialise(&pool);
    assert_eq!((pool.ready.get(), pool.attempts.get()), (true, 2));
}

/// Connections that are open, and the most that ever were.
#[derive(Default)]
struct Database {
    open: Cell<u32>,
    most: Cell<u32>,
    idle: Cell<u32>,
}

impl Database {
    fn connect(&self) -> Result<(), String> {
        if self.idle.get() > 0 {
            self.idle.set(self.idle.get() - 1);
        } else if self.open.get() == 4 {
            return Err("too many connections".to_owned());
        } else {
            self.open.set(self.open.get() + 1);
            self.most.set(self.most.get().max(self.open.get()));
        }
        Ok(())
    }

    fn give_back(&self) {
        self.idle.set(self.idle.get() + 1);
    }

    fn discard(&self) {
        self.open.set(self.open.get() - 1);
    }
}

#[must_cleanup]
fn request(database: &Database, number: u32) -> Result<u32, String> {
    #[cleanup(database.give_back(), on = [success, error])]
    #[allow(clippy::let_unit_value, reason = "the connection is the guard's")]
    let _connection = database.connect()?;
    #[cleanup(database.discard(), on = unwind)]
    let number = number;
    if *number % 3 == 0 {
        return Err("early return".to_owned());
    }
    assert_ne!(*number % 5, 0, "the connection is broken");
    Ok(*number)
}

#[test]
fn b11_a_thousand_requests_with_errors_and_panics_need_one_connection() {
    let database = Database::default();
    let results: Vec<_> = (0..1_000).map(|number| caught(|| request(&database, number))).collect();
    let panicked = results.iter().filter(|result| result.is_err()).count();
    let failed = results.iter().filter(|result| matches!(result, Ok(Err(_)))).count();
    assert_eq!((panicked, failed), (133, 334), "0..1000 by 3, and by 5 but not by 3");
    assert_eq!((database.open.get(), database.idle.get(), database.most.get()), (1, 1, 1));
}
