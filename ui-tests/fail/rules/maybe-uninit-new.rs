use backstop::must_cleanup;
use std::mem::MaybeUninit;

#[must_cleanup]
fn refused(name: String) -> usize {
    let slot = MaybeUninit::new(name);
    unsafe { slot.assume_init() }.len()
}

fn main() {
    refused(String::new());
}
