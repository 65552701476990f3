//! rustc refuses it before any attribute is asked.

#[backstop::no_exit]
fn unfinished() {
    let x = ;
}

#[backstop::must_cleanup]
fn unknown_operator(x: u8) -> u8 {
    x <=> 1
}

fn main() {
    unfinished();
    unknown_operator(1);
}
