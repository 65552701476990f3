// What rustc has to say of the rest of these bodies is not the subject.
#![allow(unreachable_code, unused_variables)]

use backstop::no_exit;
use std::process;

macro_rules! attempt {
    ($($body:tt)*) => {
        $($body)*
    };
}

macro_rules! select {
    ($($body:tt)*) => {
        if false {
            attempt_select! { $($body)* }
        }
    };
}

macro_rules! attempt_select {
    ($name:ident = $future:expr => $handler:block) => {
        $name($future);
        $handler
    };
}

#[no_exit]
fn printing() {
    println!("{:?}", process::exit(1));
}

#[no_exit]
fn formatting() -> String {
    format!("{}{code:?}", 1, code = { process::exit(1) })
}

#[no_exit]
fn listing() -> Vec<u8> {
    vec![1, process::exit(1)]
}

#[no_exit]
fn repeating() -> Vec<u8> {
    vec![process::exit(1); 3]
}

#[no_exit]
fn asserting(ok: bool) {
    assert!(ok, "{:?}", process::abort());
    assert_eq!(ok, process::exit(1));
    debug_assert!({ process::exit(2) });
}

#[no_exit]
fn matching(ok: Option<u8>) -> bool {
    matches!(ok, Some(_) if process::exit(1))
}

#[no_exit]
fn nested() {
    println!("{}", format!("{:?}", vec![process::exit(1)]));
}

#[no_exit]
fn unknown() {
    attempt! { process::exit(1); }
}

#[no_exit]
fn unknown_without_syntax() {
    attempt!(let x = 1; if x > 0 { std::process::abort() } else {});
}

#[no_exit]
fn selecting() {
    select! { drop = async {} => { process::exit(1) } }
}

#[no_exit]
fn in_a_panic() {
    panic!("{:?}", process::exit(1));
}

#[no_exit]
fn in_dbg_and_write() {
    use std::fmt::Write as _;
    dbg!(process::exit(1));
    let _ = write!(String::new(), "{:?}", process::abort());
}

fn main() {
    printing();
    formatting();
    listing();
    repeating();
    asserting(true);
    matching(None);
    nested();
    unknown();
    unknown_without_syntax();
    selecting();
    in_a_panic();
    in_dbg_and_write();
}
