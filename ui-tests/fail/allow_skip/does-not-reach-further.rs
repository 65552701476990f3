//! An allow covers its own statement and its own rule.

use backstop::{must_cleanup, no_exit};
use std::process;

#[no_exit]
fn next_statement(x: bool) {
    if x {
        #[allow_skip(process_exit, reason = "this one")]
        process::exit(1);
    }
    process::exit(2);
}

#[no_exit]
fn another_rule() {
    #[allow_skip(process_exit, reason = "exits only")]
    if process::id() == 0 {
        process::exit(1);
    } else {
        process::abort();
    }
}

#[must_cleanup(allow(process_exit, reason = "exits only"))]
fn another_group(name: String) {
    std::mem::forget(name);
    process::exit(1);
}

#[no_exit]
impl Server {
    #[no_exit(allow(process_exit, reason = "this method"))]
    fn one(&self) {
        process::exit(1);
    }

    fn two(&self) {
        process::exit(2);
    }
}

struct Server;

fn main() {
    next_statement(true);
    another_rule();
    another_group(String::new());
    Server.one();
    Server.two();
}
