//! `#[must_cleanup]` asks every call by type, too.

use backstop::{defer, must_cleanup};

fn die() -> ! {
    std::process::exit(1)
}

#[must_cleanup]
fn without_guards(ok: bool) -> u8 {
    if ok { 1 } else { die() }
}

#[must_cleanup]
fn with_a_guard(input: Option<u8>) -> Result<u8, String> {
    #[cleanup(println!("closed"))]
    let x = input.ok_or_else(String::new)?;
    if *x == 0 {
        die();
    }
    Ok(*x)
}

#[must_cleanup]
fn in_a_cleanup() {
    #[cleanup(die())]
    let x = 1;

    #[cleanup({ die(); })]
    println!("{x}");

    defer! { die() }
}

#[must_cleanup]
fn in_the_guarded_statement() {
    #[cleanup(println!("closed"))]
    let x: u8 = die();
    println!("{x}");
}

fn main() {
    without_guards(true);
    let _ = with_a_guard(None);
    in_a_cleanup();
    in_the_guarded_statement();
}
