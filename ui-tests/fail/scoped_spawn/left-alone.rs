//! Work that a local holds, and that nobody waits for.

use std::io;
use std::process::Command;
use tokio::task::JoinSet;

use backstop::scoped_spawn;

#[scoped_spawn]
async fn set() {
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        tasks.spawn(async {});
    }
    tasks.spawn_blocking(|| {});
    println!("{}", tasks.len());
}

#[scoped_spawn]
fn child() -> io::Result<()> {
    let _child = Command::new("true").arg("x").spawn()?;
    Ok(())
}

#[scoped_spawn]
async fn in_an_unknown_macro() {
    macro_rules! run {
        ($($body:tt)*) => { $($body)* };
    }
    run! { tokio::spawn(async {}); }
}

fn main() {
    drop((set(), in_an_unknown_macro()));
    let _ = child();
}
