//! All of them at once, each at its own place.

// What rustc has to say of the rest of these bodies is not the subject.
#![allow(unreachable_code, unused_variables)]

use backstop::{must_cleanup, no_exit};

#[must_cleanup(retries = 3, allow(proces_exit, reason = "misspelled"))]
fn many(input: Option<u8>) {
    #[cleanup]
    let a = 1;

    #[cleanup(println!("b"), on = failed, name = 3)]
    let (b, c) = (1, 2);

    std::process::exit(1);
    std::mem::forget(String::new());

    #[cleanup(return)]
    let d;

    let run = || {
        #[cleanup(println!("e"))]
        println!("{a}{b}{c}");
    };
    run();
    d = input;
    drop(d);

    #[allow_skip(mem_forget)]
    loop {}
}

#[no_exit(verbose, crate)]
fn and_another() {
    std::process::abort();
    libc::_exit(1);
}

mod libc {
    pub fn _exit(_: i32) {}
}

fn main() {
    many(None);
    and_another();
}
