// What rustc has to say of the rest of these bodies is not the subject.
#![allow(unreachable_code, unused_variables)]

use backstop::no_exit;

fn die() -> ! {
    std::process::exit(1)
}

fn code() -> u8 {
    1
}

#[no_exit]
fn printing() {
    println!("{:?}", die());
}

#[no_exit]
fn formatting() -> String {
    format!("{} {b:?}", code(), b = die())
}

#[no_exit]
fn asserting_equal(one: u8) {
    assert_eq!(one, die());
}

#[no_exit]
fn in_a_panic() {
    panic!("{:?}", die());
}

#[no_exit]
fn listing() -> Vec<u8> {
    vec![1, die()]
}

fn main() {
    printing();
    formatting();
    asserting_equal(1);
    in_a_panic();
    listing();
}
