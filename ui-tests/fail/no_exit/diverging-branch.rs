// What rustc has to say of the rest of these bodies is not the subject.
#![allow(unreachable_code, unused_variables)]

use backstop::no_exit;

fn die() -> ! {
    std::process::exit(1)
}

#[no_exit]
fn arm(x: u8) -> u8 {
    match x {
        0 => die(),
        1 => {
            die();
        }
        x => x,
    }
}

#[no_exit]
fn arm_guard(x: u8) -> u8 {
    match x {
        0 if die() => 1,
        x => x,
    }
}

#[no_exit]
fn let_else(x: Option<u8>) -> u8 {
    let Some(x) = x else { die() };
    x
}

#[no_exit]
fn let_else_with_a_semicolon(x: Option<u8>) -> u8 {
    let Some(x) = x else {
        die();
    };
    x
}

#[no_exit]
fn if_else(x: bool) -> u8 {
    if x { 1 } else { die() }
}

#[no_exit]
fn condition() -> u8 {
    if die() { 1 } else { 2 }
}

#[no_exit]
fn if_let_chain(x: Option<u8>) -> u8 {
    if let Some(x) = x
        && die()
        && x > 0
    {
        1
    } else {
        2
    }
}

#[no_exit]
fn scrutinee() -> u8 {
    match die() {
        0u8 => 1,
        _ => 2,
    }
}

#[no_exit]
fn while_condition() {
    while die() {}
}

#[no_exit]
fn in_a_loop(items: &[u8]) {
    for item in items {
        if *item == 0 {
            die();
        }
    }
}

#[no_exit]
fn labelled() -> u8 {
    'block: {
        if true {
            break 'block 1;
        }
        die()
    }
}

fn main() {
    arm(1);
    arm_guard(1);
    let_else(None);
    let_else_with_a_semicolon(None);
    if_else(true);
    condition();
    if_let_chain(None);
    scrutinee();
    while_condition();
    in_a_loop(&[]);
    labelled();
}
