use backstop::{defer, must_cleanup};

#[must_cleanup]
fn unreadable() {
    #[cleanup(a +)]
    let a = 1;

    #[cleanup(let x = b)]
    let b = 2;

    #[cleanup(println!("one"); println!("two"))]
    let c = 3;

    #[cleanup(fn run() {})]
    let d = 4;

    println!("{a} {b} {c} {d}");
    defer! { 1 + }
}

fn main() {
    unreadable();
}
