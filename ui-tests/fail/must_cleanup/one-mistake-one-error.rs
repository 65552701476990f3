//! What is wrong with a cleanup is said once: its value is not asked about after that.

use backstop::{defer, must_cleanup};

fn quit(code: i32) -> ! {
    std::process::exit(code)
}

#[must_cleanup]
fn rungs() {
    #[cleanup(move || println!("a"), survives = Kill)]
    let a = 1;

    #[cleanup(move || println!("b"), survives = "exit")]
    let b = 2;

    #[cleanup(move || println!("c"), survives = forever)]
    println!("{a} {b}");
}

#[must_cleanup]
fn exits() {
    #[cleanup(move || std::process::exit(1), survives = exit)]
    println!("statement");
}

#[must_cleanup]
fn diverges() {
    #[cleanup(quit(1))]
    println!("statement");

    defer! { quit(2) }
    defer! {
        println!("bye");
        quit(3)
    }
}

fn main() {
    rungs();
    exits();
    diverges();
}
