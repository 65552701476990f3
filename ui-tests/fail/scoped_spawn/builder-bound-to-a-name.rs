//! Not seen to be `std::thread`'s, and not to be anything else.

use backstop::scoped_spawn;
use std::thread::Builder;

#[scoped_spawn]
fn bound() {
    let builder = Builder::new().name(String::from("one"));
    builder.spawn(|| {}).unwrap();
}

fn main() {
    bound();
}
