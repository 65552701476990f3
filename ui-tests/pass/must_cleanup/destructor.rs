#![deny(warnings)]

use backstop::must_cleanup;
use std::io::Write as _;

struct Session<T: AsRef<str>>(Vec<T>);

#[must_cleanup]
impl<T: AsRef<str>> Drop for Session<T> {
    fn drop(&mut self) {
        if let Err(error) = std::io::stdout().flush() {
            eprintln!("{error}");
        }
        let length = self.0.first().map_or(0, |name| name.as_ref().len());
        debug_assert!(length < 100);
        self.0.clear();
        if length == 0 {
            return;
        }
        println!("{}", self.0.len());
    }
}

fn main() {
    drop(Session(vec!["a"]));
    drop(Session::<String>(vec![]));
}
