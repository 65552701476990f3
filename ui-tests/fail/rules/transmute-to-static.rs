//! A pedantic rule: no attribute refuses it yet, so an allow of it is of no use.

#![deny(deprecated)]

use backstop::must_cleanup;

#[must_cleanup(allow(transmute_to_static, reason = "nothing looks for it"))]
fn allowed(text: &str) -> usize {
    unsafe { std::mem::transmute::<&str, &'static str>(text) }.len()
}

fn main() {
    allowed("text");
}
