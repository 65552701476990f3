//! The attribute does not see the imports around the function; the compiler knows the type.

use backstop::no_exit;
use std::process::abort as stop;
use std::process::exit;

#[no_exit]
fn statement() {
    exit(1);
}

#[no_exit]
fn tail() -> u8 {
    stop()
}

#[no_exit]
fn both(stopped: bool) {
    if stopped {
        stop();
    }
    exit(2)
}

fn main() {
    statement();
    tail();
    both(true);
}
