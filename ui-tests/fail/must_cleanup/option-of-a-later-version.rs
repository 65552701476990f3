use backstop::must_cleanup;

#[must_cleanup(acquire(open))]
fn acquire() {}

#[must_cleanup(timeout = "5s")]
fn timeout() {}

#[must_cleanup(deadline = "5s")]
fn deadline() {}

fn main() {
    acquire();
    timeout();
    deadline();
}
