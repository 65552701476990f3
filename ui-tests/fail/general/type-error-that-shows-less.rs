//! What rustc says of these without an attribute, but for a label or a note: of where a type is
//! expected, of a chain of methods, and, in sync functions with guards, of the hidden `leave`.

use backstop::{defer, must_cleanup, no_exit};

fn next(value: u8) -> u8 {
    value + 1
}

fn take(_: u32) {}

struct Plain;

trait Made {}

impl Made for u8 {}

impl Plain {
    fn step(self) -> Self {
        self
    }

    fn made<T: Made>(self) -> T {
        panic!()
    }
}

#[no_exit]
fn expected(value: u8) -> u32 {
    let _name: String = next(value);
    take(next(value));
    next(value)
}

#[no_exit]
fn chain() -> Plain {
    Plain.step().made()
}

#[no_exit]
fn called(value: u8) {
    next(value)();
}

#[no_exit]
async fn awaited(value: u8) -> u32 {
    let _other: String = std::future::ready(value).await;
    std::future::ready(value).await
}

#[must_cleanup]
fn left(value: u8, early: bool) -> u32 {
    defer! { println!("left") }
    if early {
        return value;
    }
    if value > 1 {
        return next(value);
    }
    "1"
}

#[must_cleanup]
async fn left_async(value: u8, early: bool) -> u32 {
    #[cleanup(println!("left"))]
    let value = value;
    if early {
        return 1_u8;
    }
    next(*value)
}

fn main() {}
