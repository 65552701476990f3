//! The value is an expression of the user's: rustc says what is wrong with its type.

use backstop::scoped_spawn;
use std::thread;

const WORKERS: u8 = 4;

#[scoped_spawn(limit = WORKERS)]
fn byte() {
    thread::spawn(|| {});
}

#[scoped_spawn(limit = 8u32)]
fn suffixed() {
    thread::spawn(|| {});
}

#[scoped_spawn(limit = missing)]
fn unknown_name() {
    thread::spawn(|| {});
}

#[scoped_spawn(limit = WORKERS)]
fn even_where_nothing_is_spawned() {}

fn main() {
    byte();
    suffixed();
    unknown_name();
    even_where_nothing_is_spawned();
}
