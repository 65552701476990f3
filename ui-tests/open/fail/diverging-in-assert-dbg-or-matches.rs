//! `assert!` and `dbg!` print the text of their argument; `matches!` has a syntax of its own.

// What rustc has to say of the rest of these bodies is not the subject.
#![allow(unreachable_code, unused_variables)]

use backstop::no_exit;

fn die() -> ! {
    std::process::exit(1)
}

#[no_exit]
fn asserted() {
    assert!(die());
}

#[no_exit]
fn in_the_text_of_an_assertion(ok: bool) {
    assert!(ok, "{:?}", die());
}

#[no_exit]
fn in_the_guard_of_matches(x: Option<u8>) -> bool {
    matches!(x, Some(_) if die())
}

#[no_exit]
fn debugged() {
    dbg!(die());
}

fn main() {
    asserted();
    in_the_text_of_an_assertion(true);
    in_the_guard_of_matches(None);
    debugged();
}
