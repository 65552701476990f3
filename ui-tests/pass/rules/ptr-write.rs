//! A pedantic rule: no attribute refuses it yet.

#![deny(warnings)]

use backstop::must_cleanup;

#[must_cleanup]
fn accepted(slot: &mut u8, value: u8) {
    unsafe { std::ptr::write(slot, value) };
}

fn main() {
    accepted(&mut 1, 2);
}
