use backstop::no_exit;

struct Server;

#[no_exit]
impl Server {
    fn start() {
        std::process::exit(1);
    }

    fn run(&self) {
        std::process::abort();
    }

    async fn wait(&mut self) {
        std::process::exit(2);
    }
}

#[no_exit]
impl Default for Server {
    fn default() -> Self {
        std::process::exit(3)
    }
}

#[no_exit]
mod tools {
    use std::process as p;

    pub fn free() {
        p::exit(4);
    }

    pub struct Tool;

    impl Tool {
        pub fn method(&self) {
            p::abort();
        }
    }

    pub trait Used {
        fn with_a_body(&self) {
            p::exit(5);
        }
    }

    pub mod deeper {
        pub fn still_seen() {
            super::p::exit(6);
        }
    }
}

#[no_exit]
trait Job {
    fn run(&self) {
        std::process::exit(7);
    }
}

fn main() {
    Server::start();
    Server.run();
    drop(Server::default().wait());
    tools::free();
    tools::Tool.method();
    tools::deeper::still_seen();
}
