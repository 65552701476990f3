//! One misuse, one type error elsewhere that has nothing to do with it: both are reported, and
//! there is no third.

use backstop::scoped_spawn;

struct Session {
    id: u32,
}

impl Session {
    #[scoped_spawn]
    fn open(id: u32) -> Session {
        std::thread::spawn(work);
        let start = std::thread::spawn::<fn(), ()>;
        start(work);
        Session { id }
    }
}

fn work() {}

fn elsewhere() -> u32 {
    // The item is still there, with its type.
    let session = Session::open(1);
    work();
    let wrong: u32 = "one";
    session.id + wrong
}

fn main() {
    elsewhere();
}
