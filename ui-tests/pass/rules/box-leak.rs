#![deny(warnings)]

use backstop::must_cleanup;
use std::sync::OnceLock;

#[must_cleanup]
fn accepted(name: Box<str>) -> (&'static str, &'static str) {
    static NAME: OnceLock<Box<str>> = OnceLock::new();
    let name: &'static str = NAME.get_or_init(|| name);
    (name, name)
}

#[must_cleanup]
fn allowed(name: Box<str>) -> (&'static str, &'static str) {
    #[allow_skip(box_leak, reason = "read until the process ends")]
    let first: &'static str = Box::leak(name);
    (first, first)
}

fn main() {
    let _ = accepted(Box::from("a"));
    let _ = allowed as fn(Box<str>) -> (&'static str, &'static str);
}
