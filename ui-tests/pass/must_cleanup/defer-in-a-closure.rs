//! In a closure, an async block or a nested function, a `defer!` without options is the macro's own.

#![deny(warnings)]

use backstop::{defer, must_cleanup};
use std::cell::RefCell;

#[must_cleanup]
fn inside(log: &RefCell<Vec<&'static str>>) {
    let run = || {
        defer! { log.borrow_mut().push("closure ended") }
        log.borrow_mut().push("closure");
    };
    run();
    drop(async {
        defer! { println!("never polled") }
    });
    fn nested(log: &RefCell<Vec<&'static str>>) {
        defer! { log.borrow_mut().push("nested ended") }
        log.borrow_mut().push("nested");
    }
    nested(log);
    defer! { log.borrow_mut().push("function ended") }
    Some(1).iter().for_each(|_| {
        defer!(log.borrow_mut().push("turn ended"));
    });
}

fn main() {
    let log = RefCell::default();
    inside(&log);
    assert_eq!(
        *log.borrow(),
        ["closure", "closure ended", "nested", "nested ended", "turn ended", "function ended"]
    );
}
