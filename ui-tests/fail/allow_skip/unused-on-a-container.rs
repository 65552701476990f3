//! Unused only where no function of the container uses it, and then told once.

#![deny(warnings)]

use backstop::{must_cleanup, no_exit};

struct Server;

#[no_exit(allow(process_exit, reason = "no method exits"))]
impl Server {
    fn run(&self) {}

    fn stop(&self) {}
}

#[must_cleanup(allow(mem_forget, reason = "used by one of two"))]
impl Server {
    fn leak(name: String) {
        std::mem::forget(name);
    }

    fn keep(&self) {}
}

#[no_exit(allow(process_abort, reason = "nothing aborts"))]
trait Job {
    fn required(&self);

    fn provided(&self) {}
}

impl Job for Server {
    fn required(&self) {}
}

#[no_exit(allow(process_abort, reason = "nothing aborts"))]
mod tools {
    pub fn run() {}

    pub mod deeper {
        pub fn run() {}
    }
}

#[no_exit(allow(process_abort, reason = "no function at all"))]
mod empty {}

fn main() {
    Server.run();
    Server.stop();
    Server.keep();
    Server.provided();
    Server.required();
    Server::leak(String::new());
    tools::run();
    tools::deeper::run();
}
