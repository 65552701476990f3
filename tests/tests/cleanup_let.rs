//! `#[cleanup]` on `let`: what it may bind, what the expression sees, what the name is afterwards.

use std::cell::{Cell, RefCell};
use std::sync::Mutex;

use backstop::must_cleanup;
use backstop_tests::{Log, Noisy};

struct Connection<'a>(&'a Log);

#[allow(clippy::unnecessary_wraps, reason = "called with `?`")]
impl Connection<'_> {
    fn query(&self) -> Result<&Log, String> {
        Ok(self.0)
    }

    fn send(&mut self, text: &str) -> Result<(), String> {
        self.0.note(text);
        if text == "fails" { Err(text.to_owned()) } else { Ok(()) }
    }

    fn rollback(&mut self) -> Result<(), String> {
        self.0.noted("rollback")
    }

    fn close(self) {
        self.0.note("close");
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.0.note("drop");
    }
}

#[must_cleanup]
fn consuming(log: &Log) -> Result<(), String> {
    #[cleanup(connection.close())]
    let connection = Connection(log);
    connection.query()?.note("queried");
    Ok(())
}

#[test]
fn the_expression_may_consume_the_value() {
    let log = Log::new();
    consuming(&log).unwrap();
    assert_eq!(log.take(), "queried close drop");
}

#[must_cleanup]
fn rolling_back(log: &Log, text: &str) -> Result<(), String> {
    #[cleanup(connection.rollback(), on = failure)]
    let mut connection = Connection(log);
    connection.send("begin")?;
    connection.send(text)?;
    connection.send("commit")
}

#[test]
fn a_mut_binding_is_used_mutably_and_rolled_back_on_failure_only() {
    let log = Log::new();
    rolling_back(&log, "insert").unwrap();
    assert_eq!(log.take(), "begin insert commit drop");
    rolling_back(&log, "fails").unwrap_err();
    assert_eq!(log.take(), "begin fails rollback drop");
}

#[must_cleanup]
fn not_mut(log: &Log) {
    #[cleanup(connection.rollback())]
    let connection = Connection(log);
    let _ = connection.query();
}

#[test]
fn the_expression_may_change_the_value_of_a_binding_that_is_not_mut() {
    let log = Log::new();
    not_mut(&log);
    assert_eq!(log.take(), "rollback drop");
}

trait Shape {
    fn name(&self) -> String;
}
impl Shape for u8 {
    fn name(&self) -> String {
        format!("u8:{self}")
    }
}

#[must_cleanup]
fn typed(log: &Log) -> usize {
    #[cleanup(log.note(shapes[0].name()))]
    let mut shapes: Vec<Box<dyn Shape>> = Vec::with_capacity(2);
    shapes.push(Box::new(1));
    #[cleanup(log.note(shape.name()))]
    let shape: &dyn Shape = &2;
    #[cleanup(log.note(function("x").to_string()))]
    let function: fn(&str) -> usize = str::len;
    #[cleanup(log.note(format!("{numbers:?}")))]
    let numbers: Vec<u8> = "4,5".split(',').map(|n| n.parse().unwrap()).collect();
    shapes.len() + shape.name().len() + function("abc") + numbers.len()
}

#[test]
fn a_type_annotation_coerces_and_infers_as_usual() {
    let log = Log::new();
    assert_eq!(typed(&log), 1 + 4 + 3 + 2);
    assert_eq!(log.take(), "[4, 5] 1 u8:2 u8:1");
}

#[must_cleanup]
fn extended(log: &Log) {
    #[cleanup(log.note(format!("cleanup-{}", noisy.name())))]
    let noisy = &Noisy(log, "temporary");
    log.note(format!("uses-{}", noisy.name()));
    #[cleanup(log.note(text))]
    let text = &*String::from("deref");
    log.note(format!("uses-{text}"));
}

#[test]
fn a_borrowed_temporary_lives_as_long_as_its_guard() {
    let log = Log::new();
    extended(&log);
    assert_eq!(log.take(), "uses-temporary uses-deref deref cleanup-temporary temporary");
}

#[must_cleanup]
fn shadowing(log: &Log) -> usize {
    #[cleanup(log.note(name))]
    let name = String::from("a");
    #[cleanup(log.note(name))]
    let name = format!("{}b", *name);
    {
        #[cleanup(log.note(name))]
        let name = format!("{name}-inner");
        log.note(format!("uses-{name}"));
    }
    #[cleanup(log.note(name))]
    let name = format!("{name}c");
    let name = name.len();
    name
}

#[test]
fn a_shadowed_name_keeps_its_cleanup_and_its_value() {
    let log = Log::new();
    assert_eq!(shadowing(&log), 3);
    assert_eq!(log.take(), "uses-ab-inner ab-inner abc ab a");
}

/// The file's lints are warnings of the workspace, which CI denies: no binding here may be called
/// unused, nor any `mut` needless.
#[must_cleanup]
fn unused(log: &Log) {
    #[cleanup(log.note("named"))]
    let _ignored = 1;
    #[cleanup(drop(named))]
    let named = Noisy(log, "moved-out");
    #[cleanup(log.note(format!("{captured}")))]
    let captured = 3;
    #[cleanup(counter.set(counter.get() + 1))]
    let counter = &Cell::new(1);
}

#[test]
fn a_name_that_only_its_cleanup_uses_is_not_unused() {
    let log = Log::new();
    unused(&log);
    assert_eq!(log.take(), "3 moved-out named");
}

struct Sums {
    total: u32,
}

#[must_cleanup]
fn field_of_the_same_name(sums: &RefCell<Sums>) -> u32 {
    #[cleanup(sums.borrow_mut().total += 1)]
    let total = 40;
    let before = sums.borrow().total;
    *total + before
}

#[test]
fn a_field_named_as_the_binding_is_not_the_binding() {
    let sums = RefCell::new(Sums { total: 1 });
    assert_eq!(field_of_the_same_name(&sums), 41);
    assert_eq!(sums.borrow().total, 2);
}

#[must_cleanup]
#[allow(irrefutable_let_patterns, reason = "a name is all that `#[cleanup]` guards")]
fn let_else(log: &Log) -> Option<u8> {
    #[cleanup(log.note("ran"), on = success)]
    let value = 1_u8 else { return None };
    Some(*value)
}

#[test]
fn let_else_with_a_name_is_guarded() {
    let log = Log::new();
    assert_eq!(let_else(&log), Some(1));
    assert_eq!(log.take(), "ran");
}

fn make(log: &Log, works: bool) -> Result<Noisy<'_>, String> {
    log.note("made");
    works.then(|| Noisy(log, "dropped")).ok_or_else(|| "no".to_owned())
}

#[must_cleanup]
fn failing_initialiser(log: &Log, works: bool) -> Result<(), String> {
    #[cleanup(log.note(format!("cleanup-{}", value.name())))]
    let value = make(log, works)?;
    log.note(format!("uses-{}", value.name()));
    Ok(())
}

#[test]
fn a_value_that_was_never_made_has_no_cleanup() {
    let log = Log::new();
    failing_initialiser(&log, false).unwrap_err();
    assert_eq!(log.take(), "made");
    failing_initialiser(&log, true).unwrap();
    assert_eq!(log.take(), "made uses-dropped cleanup-dropped dropped");
}

#[must_cleanup]
fn mixed(log: &Log) {
    #[cleanup(log.note("1"))]
    let _first = Noisy(log, "value-1");
    let _plain = Noisy(log, "plain-2");
    backstop::defer! { log.note("3") }
    #[cleanup(log.note("4"))]
    log.note("body");
    #[cleanup(drop(fifth))]
    let fifth = Noisy(log, "value-5");
    let _last = Noisy(log, "plain-6");
}

#[test]
fn guards_and_plain_locals_go_in_reverse_order_of_declaration() {
    let log = Log::new();
    mixed(&log);
    assert_eq!(log.take(), "body plain-6 value-5 4 3 plain-2 1 value-1");
}

#[must_cleanup]
fn lock_guard(numbers: &Mutex<Vec<u8>>) -> usize {
    #[cleanup(locked.push(9))]
    let mut locked = numbers.lock().unwrap();
    locked.push(1);
    locked.iter().filter(|n| **n == 1).count()
}

#[test]
fn a_lock_is_held_through_the_cleanup_and_released_after_it() {
    let numbers = Mutex::new(Vec::new());
    assert_eq!(lock_guard(&numbers), 1);
    assert_eq!(*numbers.try_lock().unwrap(), [1, 9]);
}

#[must_cleanup]
fn from_parameter(mut items: Vec<u8>, log: &Log) -> usize {
    items.push(4);
    #[cleanup(log.note(format!("{items:?}")))]
    let items = items;
    items.len()
}

#[test]
fn a_parameter_is_guarded_by_binding_it_again() {
    let log = Log::new();
    assert_eq!(from_parameter(vec![3], &log), 2);
    assert_eq!(log.take(), "[3, 4]");
}

#[must_cleanup]
fn configured(log: &Log) {
    #[cfg(any())]
    #[cleanup(log.note("never"))]
    let _absent = 1;
    #[cfg(panic = "unwind")]
    #[cleanup(log.note(format!("present-{value}")))]
    let value = 2;
    #[cfg(any())]
    #[cleanup(log.note("never"))]
    let value = 3;
    log.note(format!("uses-{value}"));
}

#[test]
fn a_cleanup_that_is_configured_out_is_gone_with_its_let() {
    let log = Log::new();
    configured(&log);
    assert_eq!(log.take(), "uses-2 present-2");
}
