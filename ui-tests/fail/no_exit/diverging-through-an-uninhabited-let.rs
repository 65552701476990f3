//! rustc's own warning at the binding stands before a marker behind the `let`.

// What rustc has to say of the rest of these bodies is not the subject.
#![allow(unreachable_code, unused_variables)]

use backstop::no_exit;

enum Never {}

struct Wrapped(Never);

fn own() -> Never {
    std::process::exit(1)
}

fn wrapped() -> Wrapped {
    std::process::exit(1)
}

#[no_exit]
fn by_an_enum() {
    let never = own();
    match never {}
}

#[no_exit]
fn by_a_struct() {
    let _wrapped = wrapped();
}

#[no_exit]
fn by_a_typed_let() {
    let _never: Never = own();
}

fn main() {
    by_an_enum();
    by_a_struct();
    by_a_typed_let();
    let _ = |wrapped: Wrapped| wrapped.0;
}
