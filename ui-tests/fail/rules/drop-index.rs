//! A pedantic rule: no attribute refuses it yet, so an allow of it is of no use.

#![deny(deprecated)]

use backstop::must_cleanup;

struct Slots(Vec<u8>);

#[must_cleanup(allow(drop_index, reason = "nothing looks for it"))]
impl Drop for Slots {
    fn drop(&mut self) {
        eprintln!("{}", self.0[0]);
    }
}

fn main() {
    drop(Slots(vec![1]));
}
