use backstop::{defer, must_cleanup};

struct Session;

impl Session {
    async fn close(self) {}
}

#[must_cleanup]
fn in_a_let() {
    #[cleanup(async { session.close().await })]
    let session = Session;
    let _ = &session;
}

#[must_cleanup]
fn in_a_defer() {
    defer! { async { println!("never") } }
}

fn main() {
    in_a_let();
    in_a_defer();
}
