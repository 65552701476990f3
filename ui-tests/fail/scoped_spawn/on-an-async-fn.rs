use backstop::scoped_spawn;
use std::thread;

#[scoped_spawn]
async fn spawns() -> u32 {
    thread::spawn(|| {});
    1
}

#[scoped_spawn(limit = 2)]
pub async unsafe fn spawns_nothing() {}

struct Server;

#[scoped_spawn]
impl Server {
    async fn serve(&self) {}

    fn start(&self) {
        thread::spawn(|| {});
    }
}

fn main() {
    let _ = (spawns(), unsafe { spawns_nothing() }, Server.serve());
    Server.start();
}
