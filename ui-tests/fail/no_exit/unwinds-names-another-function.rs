//! `unwinds(..)` speaks of the function that it names, not of others with the same last name.

use backstop::no_exit;

mod errors {
    pub fn fail() -> ! {
        panic!("unwinds")
    }
}

mod system {
    pub fn fail() -> ! {
        std::process::exit(1)
    }

    pub fn panic_any() -> ! {
        std::process::exit(1)
    }
}

struct Server;

impl Server {
    fn fail(&self) -> ! {
        std::process::exit(1)
    }
}

#[no_exit(unwinds(errors::fail))]
fn another_module() {
    system::fail();
}

#[no_exit(unwinds(errors::fail))]
fn a_method() {
    Server.fail();
}

#[no_exit]
fn name_of_a_function_of_std() {
    system::panic_any();
}

fn main() {
    another_module();
    a_method();
    name_of_a_function_of_std();
    errors::fail();
}
