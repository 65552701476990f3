//! rustc reads all of this, and refuses it afterwards: no syntax of this stable toolchain is known
//! that syn 3 does not read. On a nightly with the features, a check that cannot read a body must
//! not let it pass, so there is an error of our own beside rustc's.

use backstop::{must_cleanup, no_exit, scoped_spawn};

fn one() -> u8 {
    1
}

#[no_exit]
fn an_expression() -> u8 {
    become one()
}

#[must_cleanup]
fn a_statement() -> Option<u8> {
    do yeet;
}

#[scoped_spawn]
fn a_postfix(name: String) -> String {
    name.use
}

#[no_exit]
fn a_binding() -> u8 {
    super let x = one();
    x
}

fn main() {
    an_expression();
    a_statement();
    a_postfix(String::new());
    a_binding();
}
