//! Macros that print what they evaluate, and others whose arguments are no list.

// What rustc has to say of the rest of these bodies is not the subject.
#![allow(unreachable_code, unused_variables)]

use backstop::no_exit;

fn die() -> ! {
    std::process::exit(1)
}

#[no_exit]
fn condition(x: bool) {
    assert!(if x { die() } else { true });
}

#[no_exit]
fn condition_with_words(x: bool) {
    assert!(if x { die() } else { true }, "words {x}");
}

#[no_exit]
fn all_of_it() {
    debug_assert!(die());
}

#[no_exit]
fn in_a_closure(x: Option<bool>) {
    assert!(x.unwrap_or_else(|| die()));
}

#[no_exit]
fn debugging(x: bool) -> bool {
    dbg!(if x { die() } else { true })
}

#[no_exit]
fn matching(x: bool) -> bool {
    matches!(if x { die() } else { true }, true)
}

#[no_exit]
fn guarding(x: bool) -> bool {
    matches!(x, true if die())
}

#[no_exit]
fn repeating() -> Vec<u8> {
    vec![die(); 3]
}

fn main() {
    condition(false);
    condition_with_words(false);
    all_of_it();
    in_a_closure(None);
    debugging(false);
    matching(false);
    guarding(false);
    repeating();
}
