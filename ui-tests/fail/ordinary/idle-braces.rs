#![deny(unused_braces)]

fn one() -> u8 {
    1
}

#[backstop::no_exit]
fn no_exit() -> u8 {
    { println!() }
    { assert!(one() == 1) }
    let _one = { one() };
    { one() }
}

#[backstop::must_cleanup]
fn must_cleanup(input: Option<u8>) -> Option<u8> {
    #[cleanup(println!("closed"))]
    let _guarded = 1;
    { println!() }
    if input.is_none() {
        return { None };
    }
    { Some(input?) }
}

#[backstop::must_cleanup]
fn nothing() {
    #[cleanup(println!("closed"))]
    let _guarded = 1;
    { println!() }
}

fn main() {}
