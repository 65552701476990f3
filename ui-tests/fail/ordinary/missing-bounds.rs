use std::fmt::Display;
use std::rc::Rc;
use std::thread;

struct Plain;

fn plain() -> Plain {
    Plain
}

fn wrapped(_: u8) -> Plain {
    Plain
}

fn show<T: Display>(_: T) -> u8 {
    1
}

fn count() -> Rc<u8> {
    Rc::new(1)
}

fn send<T: Send>(value: T) -> T {
    value
}

#[backstop::no_exit]
fn argument() -> u8 {
    show(plain());
    show(wrapped(1));
    show(show::<Plain>(plain()))
}

#[backstop::no_exit]
fn method() {
    let _copy = plain().clone();
    let _same = plain() == wrapped(1);
    println!("{}", plain());
    for _ in plain() {}
}

#[backstop::no_exit]
fn sent() {
    let _count = send(count());
    let shared = count();
    thread::spawn(move || shared.to_string());
}

#[backstop::no_exit]
fn converted() -> Result<u8, Plain> {
    let number: u8 = "1".parse()?;
    let _option = Some(1)?;
    Ok(number.into_inner())
}

#[backstop::must_cleanup]
fn must_cleanup() -> u8 {
    let _copy = plain().clone();
    show(plain())
}

fn main() {}
