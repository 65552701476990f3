//! What a guarded `let` becomes raises the lints of the `let`, and none of its own.
#![deny(warnings)]

use std::mem;

use backstop::{defer, must_cleanup};

#[must_cleanup]
pub fn unused() {
    #[expect(unused_variables)]
    #[cleanup(println!("x"))]
    let a = 1;

    #[expect(unused_variables, reason = "to be used later")]
    #[cleanup(async_free())]
    let b = 2;

    #[cleanup(println!("x"))]
    #[expect(unused_mut)]
    let mut c = 3;
    println!("{c}");

    #[expect(unused_mut, deprecated, reason = "of both parts")]
    #[cleanup(println!("x"))]
    let mut d = old();
    println!("{d}");
}

#[deprecated]
fn old() -> u8 {
    4
}

fn async_free() {}

#[must_cleanup]
pub fn dropped_by_path(early: bool) {
    #[cleanup(println!("{a}"))]
    let a = 1;
    if early {
        mem::drop(a);
    } else {
        println!("{a}");
    }
}

#[must_cleanup]
pub fn without_braces() {
    defer! { println!("a") }
    defer! { unreachable!() }
    #[cleanup({ println!("b") })]
    println!("c");
}

fn main() {}
