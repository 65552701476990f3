//! A pedantic rule: no attribute refuses it yet.

#![deny(warnings)]

use backstop::must_cleanup;

#[must_cleanup]
fn accepted(items: &mut Vec<u8>) {
    unsafe { items.set_len(0) };
}

fn main() {
    accepted(&mut vec![1]);
}
