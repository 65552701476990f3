//! Not seen to be `std::thread`'s, and not to be anything else.

use backstop::scoped_spawn;
use std::thread::Builder;

#[scoped_spawn]
fn chained() {
    Builder::new().spawn(|| {}).unwrap();
}

#[scoped_spawn]
fn parameter(builder: Builder) {
    builder.spawn(|| {}).unwrap();
}

fn main() {
    chained();
    parameter(Builder::new());
}
