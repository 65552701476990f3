#![deny(warnings)]

use backstop::must_cleanup;
use std::thread;
use std::time::Duration;

#[must_cleanup]
fn accepted() {
    thread::park_timeout(Duration::from_millis(1));
    thread::sleep(Duration::from_millis(1));
}

#[must_cleanup]
fn allowed() {
    #[allow_skip(park_forever, reason = "another thread wakes it")]
    thread::park();
    thread::park_timeout(Duration::from_millis(1));
}

fn main() {
    let _ = accepted();
    let _ = allowed as fn();
}
