//! A guard borrows from the function, and a task may outlive it.

use std::future::Future;

use backstop::must_cleanup;

fn spawn<F: Future + Send + 'static>(_: F) {}

#[must_cleanup]
async fn of_an_async_cleanup() {
    #[cleanup(async { drop(value) })]
    let value = String::new();
    spawn(async move { println!("{}", *value) });
}

#[must_cleanup]
async fn of_another() {
    #[cleanup(drop(value))]
    let value = String::new();
    spawn(async move { println!("{}", *value) });
}

fn main() {
    drop((of_an_async_cleanup(), of_another()));
}
