use backstop::{must_cleanup, no_exit, scoped_spawn};

#[no_exit]
#[no_exit]
fn one() {}

#[must_cleanup]
#[backstop::must_cleanup]
fn two() {}

#[scoped_spawn(limit = 2)]
#[scoped_spawn(limit = 3)]
fn three() {}

#[no_exit]
mod checked {
    #[backstop::no_exit]
    #[backstop::no_exit]
    pub fn four() {}
}

fn main() {
    one();
    two();
    three();
    checked::four();
}
