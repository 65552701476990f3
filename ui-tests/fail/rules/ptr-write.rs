//! A pedantic rule: no attribute refuses it yet, so an allow of it is of no use.

#![deny(deprecated)]

use backstop::must_cleanup;

#[must_cleanup(allow(ptr_write, reason = "nothing looks for it"))]
fn allowed(slot: &mut u8, value: u8) {
    unsafe { std::ptr::write(slot, value) };
}

fn main() {
    allowed(&mut 1, 2);
}
