use backstop::must_cleanup;

struct Session;

impl Session {
    fn close(self) {}
}

#[must_cleanup(acquire(open))]
fn acquire() {}

#[must_cleanup(timeout = "5s")]
fn timeout() {}

#[must_cleanup(deadline = "5s")]
fn deadline() {}

#[must_cleanup]
fn in_a_cleanup() {
    #[cleanup(a.close(), timeout = "5s")]
    let a = Session;
}

fn main() {
    acquire();
    timeout();
    deadline();
    in_a_cleanup();
}
