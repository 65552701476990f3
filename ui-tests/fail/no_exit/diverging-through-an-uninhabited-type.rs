use backstop::no_exit;
use std::convert::Infallible;

enum Never {}

fn infallible() -> Infallible {
    std::process::exit(1)
}

fn own() -> Never {
    std::process::exit(1)
}

fn pair() -> (u8, Never) {
    std::process::exit(1)
}

#[no_exit]
fn by_infallible() {
    infallible();
}

#[no_exit]
fn by_an_own_enum() {
    own();
}

#[no_exit]
fn by_a_pair() {
    pair();
}

fn main() {
    by_infallible();
    by_an_own_enum();
    by_a_pair();
}
