//! `exit` and `abort` are not seen to be std's here, and nothing diverges: the names are enough.

use backstop::no_exit;
use std::process::{abort, exit};

#[no_exit]
fn argument(hook: Option<fn() -> !>) -> fn() -> ! {
    hook.unwrap_or(abort)
}

#[no_exit]
fn mapped(code: Option<i32>) {
    code.map(exit);
}

fn main() {
    argument(None);
    mapped(None);
}
