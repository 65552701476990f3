use backstop::no_exit;

fn die() -> ! {
    std::process::exit(1)
}

struct Server;

#[no_exit]
impl Server {
    fn run(&self) {
        die();
    }

    async fn wait(&mut self) {
        die()
    }
}

#[no_exit]
mod tools {
    pub fn free() {
        super::die();
    }

    pub mod deeper {
        pub fn still_seen() -> u8 {
            crate::die()
        }
    }
}

#[no_exit]
trait Job {
    fn run(&self) {
        die();
    }
}

fn main() {
    Server.run();
    drop(Server.wait());
    tools::free();
    tools::deeper::still_seen();
}
