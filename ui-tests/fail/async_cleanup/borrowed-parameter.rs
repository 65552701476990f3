//! A parameter that the caller lends may be gone when an `async` cleanup ends.

use backstop::{defer, must_cleanup};

struct Session {
    id: String,
}

impl Session {
    async fn close(&self) {}

    #[must_cleanup]
    async fn serve(&self, name: &str, names: String) {
        #[cleanup(async { self.close().await })]
        let a = 1;

        #[cleanup(async { println!("{names} {name:?}") })]
        let b = 2;

        defer! { async { drop(Some(self.id.as_str())) } }

        println!("{a} {b} {name}");
    }
}

fn main() {
    let session = Session { id: String::new() };
    drop(session.serve("x", String::new()));
}
