use backstop::{defer, must_cleanup};
use std::process;

#[must_cleanup]
fn body(name: String) {
    std::mem::forget(name);
    let _ = Box::leak(Box::new(1));
    loop {}
}

#[must_cleanup]
fn cleanups() {
    #[cleanup(process::exit(1))]
    let a = 1;

    #[cleanup({ std::mem::forget(b) }, on = failure)]
    let b = String::new();

    #[cleanup(process::abort())]
    println!("{a} {b}");

    defer! { process::exit(2) }
    defer!(on = failure, process::exit(3));
}

fn main() {
    body(String::new());
    cleanups();
}
