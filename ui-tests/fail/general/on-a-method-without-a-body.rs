use backstop::{must_cleanup, no_exit, scoped_spawn};

trait Store {
    #[no_exit]
    fn open(&self);

    #[must_cleanup]
    fn close(&mut self) -> Result<(), String>;

    #[scoped_spawn]
    fn flush(&self);

    const NAME: &'static str;
}

struct Memory;

impl Store for Memory {
    const NAME: &'static str = "memory";

    fn open(&self) {}

    fn close(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn flush(&self) {}
}

fn main() {
    Memory.open();
    Memory.flush();
    let _ = Memory.close();
}
