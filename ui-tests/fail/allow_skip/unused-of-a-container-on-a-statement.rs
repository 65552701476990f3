#![deny(warnings)]

use backstop::no_exit;

pub struct Server;

#[no_exit]
impl Server {
    pub fn run(&self) {
        #[allow_skip(process_exit, reason = "nothing exits")]
        println!("x");
    }
}

fn main() {
    Server.run();
}
