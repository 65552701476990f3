use backstop::{must_cleanup, no_exit, scoped_spawn};

trait Store {
    #[no_exit]
    const NAME: &'static str;

    #[must_cleanup]
    type Key;

    #[scoped_spawn]
    const DEPTH: u32 = 3;
}

struct Memory;

impl Store for Memory {
    #[no_exit]
    const NAME: &'static str = "memory";

    #[must_cleanup]
    type Key = u32;
}

fn main() {
    let key: <Memory as Store>::Key = Memory::DEPTH;
    let _ = (key, Memory::NAME);
}
