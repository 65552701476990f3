//! Spawns that no scope can hold.

use backstop::scoped_spawn;
use std::process::Command;
use std::thread;

mod rayon {
    pub fn spawn(work: impl FnOnce() + Send + 'static) {
        work();
    }
}

mod tokio {
    pub fn spawn<F>(_: F) {}
}

struct JoinSet;

impl JoinSet {
    fn detach_all(&mut self) {}
}

struct Runtime;

impl Runtime {
    fn shutdown_background(self) {}
}

#[scoped_spawn]
fn all(tasks: &mut JoinSet, runtime: Runtime) -> std::io::Result<()> {
    rayon::spawn(|| {});
    tokio::spawn(async {});
    Command::new("true").spawn()?;
    let _ = Command::new("true").arg("x").spawn();
    tasks.detach_all();
    runtime.shutdown_background();
    // As a value: nothing is called here, so nothing can be put into the scope.
    let start: fn(fn()) -> thread::JoinHandle<()> = thread::spawn;
    start(|| {});
    Ok(())
}

fn main() {
    let _ = all(&mut JoinSet, Runtime);
}
