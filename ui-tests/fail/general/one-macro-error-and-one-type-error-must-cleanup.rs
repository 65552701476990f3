//! One misuse, one type error elsewhere that has nothing to do with it: both are reported, and
//! there is no third.

use backstop::must_cleanup;

struct Session {
    id: u32,
}

impl Session {
    #[must_cleanup]
    fn open(id: u32) -> Session {
        #[cleanup(drop(name), on = failed)]
        let name = String::new();
        println!("{name}");
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
