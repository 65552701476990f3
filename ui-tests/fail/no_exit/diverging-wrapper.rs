// What rustc has to say of the rest of these bodies is not the subject.
#![allow(unreachable_code, unused_variables)]

use backstop::no_exit;

fn die() -> ! {
    std::process::exit(1)
}

mod errors {
    pub fn fatal(text: &str) -> ! {
        eprintln!("{text}");
        std::process::abort()
    }
}

#[no_exit]
fn statement() {
    die();
}

#[no_exit]
fn tail() {
    die()
}

#[no_exit]
fn tail_of_another_type() -> u8 {
    errors::fatal("no")
}

#[no_exit]
fn initialiser() {
    let x: u8 = die();
    println!("{x}");
}

#[no_exit]
fn initialiser_without_a_type() {
    let _x = die();
}

#[no_exit]
fn wild() {
    let _ = die();
    _ = die();
}

#[no_exit]
fn returned() -> u8 {
    return die();
}

#[no_exit]
fn broken_with() -> u8 {
    loop {
        break die();
    }
}

#[no_exit]
fn assigned(x: &mut u8) {
    *x = die();
}

fn main() {
    statement();
    tail();
    tail_of_another_type();
    initialiser();
    initialiser_without_a_type();
    wild();
    returned();
    broken_with();
    assigned(&mut 1);
}
