//! A pedantic rule: no attribute refuses it yet.

#![deny(warnings)]

use backstop::must_cleanup;

struct Slots(Vec<u8>);

#[must_cleanup]
impl Drop for Slots {
    fn drop(&mut self) {
        eprintln!("{}", self.0[0]);
    }
}

fn main() {
    drop(Slots(vec![1]));
}
