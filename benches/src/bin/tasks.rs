//! Runs one way of spawning tasks, named by the argument, for callgrind, which takes a count at the end of each call of
//! `measured`.

use std::hint::black_box;

use backstop_benches::tasks;
use tokio::runtime::{Builder, Runtime};

fn main() -> std::io::Result<()> {
    let runtime = Builder::new_current_thread().build()?;
    let asked = std::env::args().nth(1);
    for way in tasks::all().iter().filter(|way| asked.as_deref() == Some(way.name)) {
        for _ in 0..tasks::ROUNDS {
            measured(way.run, &runtime);
        }
    }
    Ok(())
}

#[inline(never)]
fn measured(run: fn(&Runtime), runtime: &Runtime) {
    black_box(run)(black_box(runtime));
}
