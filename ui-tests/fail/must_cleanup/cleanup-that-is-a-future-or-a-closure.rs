//! Neither does anything by itself, and a `;` behind it would only silence the compiler.

use backstop::{defer, must_cleanup};

async fn say_goodbye() {}

#[must_cleanup]
async fn forgets() {
    #[cleanup(say_goodbye())]
    let a = 1;

    #[cleanup(|| println!("{b}"))]
    let b = 2;

    #[cleanup({
        println!("first");
        move || println!("then")
    })]
    println!("{a} {b}");

    defer! { say_goodbye() }
    defer! { || println!("bye") }
    defer! {
        println!("first");
        say_goodbye()
    }
}

fn main() {
    drop(forgets());
}
