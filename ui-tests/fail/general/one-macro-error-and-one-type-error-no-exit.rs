//! One misuse, one type error elsewhere that has nothing to do with it: both are reported, and
//! there is no third.

use backstop::no_exit;

struct Session {
    id: u32,
}

impl Session {
    #[no_exit]
    fn open(id: u32) -> Session {
        if id == 0 {
            std::process::exit(1);
        }
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
