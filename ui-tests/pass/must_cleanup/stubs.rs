//! A cleanup that is yet to be written type-checks wherever one may stand.
#![deny(warnings)]

use backstop::{defer, must_cleanup};

#[must_cleanup]
pub fn stubs() {
    #[cleanup(todo!())]
    let _a = 1;

    #[cleanup(move || todo!(), survives = exit)]
    let _b = 2;

    #[cleanup(move || { unimplemented!("later") }, survives = exit)]
    println!("statement");

    defer! { todo!() }
    defer! { panic!("on purpose"); }
    defer!(survives = exit, move || todo!());
}

#[must_cleanup]
pub async fn awaited() {
    #[cleanup(async { todo!() })]
    let _a = 1;

    #[cleanup(async move { println!("first"); todo!() })]
    println!("statement");

    defer! { async { todo!() } }
}

fn main() {}
