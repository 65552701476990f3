//! A function's attribute does not see what an import at the top of the file calls a module.

use std::thread as th;
use tokio as rt;
use tokio::task as jobs;

use backstop::scoped_spawn;

#[scoped_spawn]
fn thread() {
    th::spawn(|| {});
}

#[scoped_spawn]
async fn task() {
    rt::spawn(async {});
    jobs::spawn_blocking(|| {});
}

#[scoped_spawn]
async fn thread_in_an_async_function() {
    th::spawn(|| {});
}

fn main() {
    thread();
    drop((task(), thread_in_an_async_function()));
}
