#![deny(warnings)]

use backstop::must_cleanup;
use std::mem::ManuallyDrop;

#[must_cleanup]
fn accepted(name: String) -> usize {
    let name = Some(name);
    name.map_or(0, |name| name.len())
}

#[must_cleanup]
fn allowed(name: String) -> usize {
    #[allow_skip(manually_drop, reason = "dropped by hand below")]
    let mut name = ManuallyDrop::new(name);
    let length = name.len();
    unsafe { ManuallyDrop::drop(&mut name) };
    length
}

fn main() {
    let _ = accepted(String::new());
    let _ = allowed as fn(String) -> usize;
}
