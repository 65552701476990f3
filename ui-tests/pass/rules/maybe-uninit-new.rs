#![deny(warnings)]

use backstop::must_cleanup;
use std::mem::MaybeUninit;

#[must_cleanup]
fn accepted(name: String) -> usize {
    let slot = Some(name);
    slot.map_or(0, |name| name.len())
}

#[must_cleanup]
fn allowed(name: String) -> usize {
    #[allow_skip(maybe_uninit_new, reason = "taken out again in the next line")]
    let slot = MaybeUninit::new(name);
    unsafe { slot.assume_init() }.len()
}

fn main() {
    let _ = accepted(String::new());
    let _ = allowed as fn(String) -> usize;
}
