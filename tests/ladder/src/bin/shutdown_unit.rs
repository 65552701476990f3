//! A `main` that returns nothing, and calls itself.
#![allow(clippy::main_recursion, reason = "that is what this shows")]

fn entry() -> std::process::ExitCode {
    crate::main()
}

#[backstop::main]
fn main() {
    static CALLED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    if CALLED.swap(true, std::sync::atomic::Ordering::Relaxed) {
        println!("inner");
        return;
    }
    let status = entry();
    println!("outer: {status:?}");
}
