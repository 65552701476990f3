//! A `main` that does not return.

#[backstop::main]
fn main() -> ! {
    println!("ready");
    backstop::cancel_token().wait();
    backstop::exit(4)
}
