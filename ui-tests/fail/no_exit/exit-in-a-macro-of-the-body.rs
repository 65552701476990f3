//! A macro that the body defines is searched like the arguments of an unknown one.

// What rustc has to say of the rest of these bodies is not the subject.
#![allow(unreachable_code, unused_variables)]

use backstop::no_exit;

#[no_exit]
fn leaves() {
    macro_rules! leave {
        ($code:expr) => {
            std::process::exit($code)
        };
    }
    leave!(1);
}

#[no_exit]
fn allowed() {
    #[allow_skip(process_abort, reason = "the test of an allow")]
    macro_rules! crash {
        () => {
            std::process::abort()
        };
    }
    crash!();
}

fn main() {
    leaves();
    allowed();
}
