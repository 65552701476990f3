#![allow(unused_parens)]

use backstop::no_exit;

fn die<T>() -> T
where
    T: From<u8>,
{
    T::from(1)
}

fn never() -> ! {
    std::process::exit(1)
}

#[no_exit]
fn shared_reference() {
    let _ = &never();
}

#[no_exit]
fn exclusive_reference() {
    let _ = &mut never();
}

#[no_exit]
fn not() {
    let _: bool = !never();
}

#[no_exit]
fn lazily(x: bool) -> bool {
    x && never()
}

#[no_exit]
fn range() {
    for _ in 0..never() {}
}

#[no_exit]
fn cast() -> u8 {
    never() as u8
}

#[no_exit]
fn parentheses() -> u8 {
    ((never()))
}

#[no_exit]
fn field() {
    let _ = Some(never());
    let _ = (1, never());
    let _ = [never()];
    let _ = Pair { left: 1, right: never() };
}

#[no_exit]
fn not_diverging() -> u8 {
    -i8::from_ne_bytes([die::<u8>()]) as u8
}

struct Pair {
    left: u8,
    right: u8,
}

fn main() {
    shared_reference();
    exclusive_reference();
    not();
    lazily(true);
    range();
    cast();
    parentheses();
    field();
    not_diverging();
    let pair = Pair { left: 1, right: 2 };
    assert_eq!(pair.left + pair.right, 3);
}
