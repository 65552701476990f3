//! A sibling of the same container is checked itself; one of the same name elsewhere is not.

use backstop::no_exit;

mod system {
    pub fn fail() -> ! {
        std::process::exit(1)
    }
}

struct Other;

impl Other {
    fn fail(&self) -> ! {
        std::process::exit(1)
    }

    fn stop() -> ! {
        std::process::exit(1)
    }
}

struct Server {
    other: Other,
}

#[no_exit]
impl Server {
    fn fail(&self) -> ! {
        panic!("unwinds")
    }

    fn stop() -> ! {
        panic!("unwinds")
    }

    fn of_another_module(&self) {
        system::fail();
    }

    fn of_another_type(&self) {
        self.other.fail();
    }

    fn associated_of_another_type() {
        Other::stop();
    }

    fn free_function_of_the_same_name() {
        stop();
    }
}

fn stop() -> ! {
    std::process::exit(1)
}

fn main() {
    let server = Server { other: Other };
    server.of_another_module();
    server.of_another_type();
    Server::associated_of_another_type();
    Server::free_function_of_the_same_name();
    if false {
        server.fail();
    }
    Server::stop();
}
