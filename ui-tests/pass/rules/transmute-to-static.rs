//! A pedantic rule: no attribute refuses it yet.

#![deny(warnings)]

use backstop::must_cleanup;

#[must_cleanup]
fn accepted(text: &str) -> usize {
    unsafe { std::mem::transmute::<&str, &'static str>(text) }.len()
}

fn main() {
    accepted("text");
}
