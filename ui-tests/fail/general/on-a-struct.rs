//! An attribute on an item without a body.

#[backstop::no_exit]
struct Session {
    open: bool,
}

#[backstop::must_cleanup]
pub struct Pool(Vec<Session>);

#[backstop::scoped_spawn]
struct Workers;

fn main() {
    // The items are still there: no further error.
    let pool = Pool(vec![Session { open: true }]);
    let _ = (pool.0.len(), Workers);
}
