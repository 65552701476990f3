//! A macro that the body defines is searched like the arguments of an unknown one.

// What rustc has to say of the rest of these bodies is not the subject.
#![allow(unreachable_code, unused_variables)]

use backstop::no_exit;

#[no_exit]
fn in_a_function() {
    macro_rules! leave {
        ($code:expr) => {
            std::process::exit($code)
        };
    }
    leave!(1);
}

#[no_exit]
mod in_a_module {
    macro_rules! crash {
        () => {{
            use std::process::abort as stop;
            std::process::abort();
            stop()
        }};
    }

    pub fn run() {
        crash!();
    }
}

fn main() {
    in_a_function();
    in_a_module::run();
}
