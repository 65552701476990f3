//! The limits of what syntax and types show: each of these exits, and compiles. `cargo backstop
//! verify`, which reads the linked program, is for them.

#![deny(warnings)]

use backstop::no_exit;
use std::convert::Infallible;
use std::ops::Not;
use std::sync::LazyLock;

fn may_exit(code: i32) {
    if code > 0 {
        std::process::exit(code);
    }
}

fn die() -> u8 {
    std::process::exit(1)
}

fn leave() -> ! {
    std::process::exit(1)
}

fn run(hook: fn() -> !) {
    if std::env::args().count() > 99 {
        hook();
    }
}

macro_rules! bye {
    () => {
        std::process::exit(1)
    };
}

macro_rules! first {
    ($first:expr, $($rest:tt)*) => {
        $first
    };
}

struct Exits(u8);

impl Drop for Exits {
    fn drop(&mut self) {
        if self.0 > 0 {
            std::process::exit(1);
        }
    }
}

impl Not for Exits {
    type Output = Infallible;

    fn not(self) -> Infallible {
        std::process::exit(1)
    }
}

#[no_exit]
fn called_function_that_returns_as_well(code: i32) {
    may_exit(code);
}

#[no_exit]
fn called_function_of_another_type(call: bool) -> u8 {
    if call { die() } else { 1 }
}

#[no_exit]
fn diverging_function_as_a_value() {
    run(leave);
}

#[no_exit]
fn macro_of_somebody_else(call: bool) {
    if call {
        bye!();
    }
}

#[no_exit]
fn diverging_call_in_an_unknown_macro(call: bool) -> u8 {
    if call { first!(leave(), 1 => 2) } else { 1 }
}

#[no_exit]
fn destructor() {
    let _guard = Exits(0);
}

#[no_exit]
fn operator(call: bool) {
    if call {
        !Exits(0);
    }
}

#[no_exit]
fn item_of_the_body(call: bool) -> u8 {
    static LAZY: LazyLock<u8> = LazyLock::new(|| leave());
    if call { *LAZY } else { 1 }
}

fn main() {
    called_function_that_returns_as_well(0);
    diverging_function_as_a_value();
    macro_of_somebody_else(false);
    destructor();
    operator(false);
    assert_eq!(called_function_of_another_type(false), 1);
    assert_eq!(diverging_call_in_an_unknown_macro(false), 1);
    assert_eq!(item_of_the_body(false), 1);
}
