use backstop::{defer, must_cleanup};

#[must_cleanup]
fn empty() {
    #[cleanup]
    let a = 1;

    #[cleanup()]
    let b = 2;

    #[cleanup{}]
    let c = 3;

    #[cleanup = "close"]
    let d = 4;

    #[cleanup(, on = failure)]
    let e = 5;

    println!("{a} {b} {c} {d} {e}");

    #[cleanup()]
    println!("statement");

    defer!();
    defer! {}
    defer!(on = failure);
    defer!(on = failure,);
}

fn main() {
    empty();
}
