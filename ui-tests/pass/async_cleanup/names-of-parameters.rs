//! What has the name of a borrowed parameter in an `async` cleanup, and is none.
#![deny(warnings)]

use backstop::must_cleanup;

struct Session {
    name: String,
}

#[must_cleanup]
pub async fn owned(name: &str) {
    let name = name.to_owned();
    #[cleanup(async { println!("{name}") })]
    let _a = 1;
}

#[must_cleanup]
pub async fn for_ever(name: &'static str, other: &str) {
    #[cleanup(async { println!("{name}") })]
    let _a = other.len();
}

#[must_cleanup]
pub async fn a_field(name: &str) {
    #[cleanup(async { println!("{} {}", session.name, "{name}") })]
    let session = Session { name: name.to_owned() };
}

#[must_cleanup]
pub async fn the_guarded_value(name: &str) {
    #[cleanup(async { println!("{name}") })]
    let name = name.to_owned();
    println!("{name}");
}

#[must_cleanup]
pub async fn another_binding(name: &str, names: String) {
    #[cleanup(async { println!("{names} {:?}", names.chars().map(|name| name).next()) })]
    let _a = name.len();
}

fn main() {}
