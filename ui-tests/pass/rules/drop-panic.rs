#![deny(warnings)]

use backstop::must_cleanup;

struct Session(Option<String>);

#[must_cleanup]
impl Drop for Session {
    fn drop(&mut self) {
        if let Some(name) = self.0.take() {
            eprintln!("{name}");
        }
        let length = self.0.as_ref().map_or(0, String::len);
        eprintln!("{length}");
    }
}

struct Allowed(Option<u8>);

#[must_cleanup]
impl Drop for Allowed {
    fn drop(&mut self) {
        #[allow_skip(drop_panic, reason = "set in every constructor")]
        let taken = self.0.take().unwrap();
        eprintln!("{taken}");
    }
}

impl Session {
    // Not a destructor.
    #[must_cleanup]
    fn name(&self) -> &str {
        self.0.as_ref().expect("open")
    }
}

fn main() {
    drop((Session(None), Allowed(Some(1))));
    Session(Some(String::new())).name();
}
