//! What is called `spawn` and starts nothing that outlives the function.

#![deny(warnings)]

use backstop::scoped_spawn;

mod pool {
    pub fn spawn(work: impl FnOnce()) {
        work();
    }
}

struct Pool;

impl Pool {
    fn spawn(work: impl FnOnce()) {
        work();
    }
}

fn work() {}

#[scoped_spawn]
fn imported() {
    use crate::pool;
    pool::spawn(|| {});
}

#[scoped_spawn]
fn by_the_whole_path() {
    crate::pool::spawn(|| {});
}

#[scoped_spawn]
fn of_a_type() {
    Pool::spawn(|| {});
}

#[scoped_spawn]
fn of_something_else() {
    pool::spawn(work);
}

#[scoped_spawn]
fn declared() {
    mod inner {
        pub fn spawn(work: impl FnOnce()) {
            work();
        }
    }
    inner::spawn(|| {});
}

#[scoped_spawn]
fn allowed() {
    #[allow_skip(detached_thread, reason = "runs it at once")]
    pool::spawn(|| {});
}

fn main() {
    imported();
    by_the_whole_path();
    of_a_type();
    of_something_else();
    declared();
    allowed();
}
