//! Every order of the attributes, and rustc's own beside them.
#![deny(warnings)]

use std::process::ExitCode;
use std::thread;

use backstop::{must_cleanup, no_exit, scoped_spawn};

mod below {
    use super::*;

    #[backstop::main]
    #[must_cleanup]
    #[no_exit]
    #[scoped_spawn]
    pub fn main() -> Result<(), String> {
        let number = 1;
        #[cleanup(println!("closed {open}"))]
        let open = number;
        thread::spawn(|| println!("child"));
        if *open == 2 {
            backstop::exit(1);
        }
        Ok(())
    }
}

mod above {
    use super::*;

    #[must_cleanup]
    #[scoped_spawn]
    #[no_exit]
    #[backstop::main(reaper, journal = "/nowhere")]
    pub fn main() -> ExitCode {
        #[cleanup(println!("closed {open}"))]
        let open = 1;
        thread::spawn(|| println!("child"));
        if *open == 2 {
            backstop::exit(1)
        }
        ExitCode::SUCCESS
    }
}

mod around {
    use super::*;

    #[cfg(any())]
    #[backstop::main]
    fn main() {
        missing();
    }

    #[no_exit]
    #[expect(unused_variables, reason = "to be inherited by the body")]
    #[backstop::main(crate = ::backstop)]
    #[doc(hidden)]
    #[must_cleanup]
    #[inline]
    pub fn main() {
        let unused = 1;
        defer! { println!("closed") }
    }

    use backstop::defer;
}

macro_rules! makes_main {
    ($body:block) => {
        #[backstop::main]
        fn main() -> ExitCode $body
    };
}

makes_main!({
    below::main();
    above::main();
    around::main();
    ExitCode::SUCCESS
});
