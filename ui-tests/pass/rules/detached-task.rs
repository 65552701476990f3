#![deny(warnings)]

use backstop::scoped_spawn;

mod tokio {
    pub fn spawn<F>(_: F) {}
}

async fn work() {}

#[scoped_spawn]
fn accepted() {
    drop(work());
}

#[scoped_spawn]
fn allowed() {
    #[allow_skip(detached_task, reason = "a stand-in")]
    tokio::spawn(work());
}

fn main() {
    let _ = accepted();
    let _ = allowed as fn();
}
