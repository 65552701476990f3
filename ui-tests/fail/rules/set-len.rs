//! A pedantic rule: no attribute refuses it yet, so an allow of it is of no use.

#![deny(deprecated)]

use backstop::must_cleanup;

#[must_cleanup(allow(set_len, reason = "nothing looks for it"))]
fn allowed(items: &mut Vec<u8>) {
    unsafe { items.set_len(0) };
}

fn main() {
    allowed(&mut vec![1]);
}
