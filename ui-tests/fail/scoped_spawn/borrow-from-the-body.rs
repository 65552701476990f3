//! A child may borrow what the function borrows, not what its body owns: the body ends first.

use backstop::scoped_spawn;
use std::thread;

#[scoped_spawn]
fn borrows_a_local(names: &[String]) {
    let count = names.len();
    thread::spawn(|| println!("{count} {}", names.len()));
}

#[scoped_spawn]
fn returns_a_handle(names: &[String]) -> thread::JoinHandle<usize> {
    thread::spawn(|| names.len())
}

fn main() {
    borrows_a_local(&[]);
    let _ = returns_a_handle(&[]);
}
