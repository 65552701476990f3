//! Where panics abort, a cleanup that only reaches `unwind` does not run on one. Under
//! `panic = "unwind"`, as here, there is nothing to warn of, and an allow of it is of no use.

#![deny(deprecated)]

use backstop::must_cleanup;

#[must_cleanup(allow(panic_abort, reason = "no cleanup here"))]
fn nothing_to_allow() {}

#[must_cleanup]
fn not_for_a_panic() {
    #[allow_skip(panic_abort, reason = "runs on success only")]
    #[cleanup(println!("x"), on = success)]
    let x = 1;
    println!("{x}");
}

fn main() {
    nothing_to_allow();
    not_for_a_panic();
}
