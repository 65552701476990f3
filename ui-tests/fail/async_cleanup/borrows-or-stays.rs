//! An `async` cleanup may end after its function, on another thread.

use std::rc::Rc;

use backstop::must_cleanup;

struct Session(Rc<u8>);

impl Session {
    async fn close(self) {
        drop(self.0);
    }
}

#[must_cleanup]
async fn not_send() {
    #[cleanup(async { session.close().await })]
    let session = Session(Rc::new(1));
    let _ = &session;
}

#[must_cleanup]
async fn borrows(name: &str) {
    #[cleanup(async { println!("{name}") })]
    let session = 1;
    let _ = &session;
}

fn main() {
    drop((not_send(), borrows("x")));
}
