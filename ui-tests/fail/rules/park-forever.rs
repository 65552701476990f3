use backstop::must_cleanup;
use std::thread;
use std::time::Duration;

#[must_cleanup]
fn refused() {
    thread::park();
    thread::sleep(Duration::MAX);
}

fn main() {
    refused();
}
