use backstop::{must_cleanup, no_exit, scoped_spawn};

#[no_exit = "always"]
fn one() {}

#[must_cleanup = true]
fn two() {}

#[scoped_spawn = 8]
fn three() {}

#[must_cleanup]
#[no_exit = "always"]
fn four() {}

fn main() {
    one();
    two();
    three();
    four();
}
