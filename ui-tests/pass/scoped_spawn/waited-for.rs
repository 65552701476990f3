//! Sets of tasks that are joined, or that somebody else may join; and spawns in `select!`.

#![deny(warnings)]

use std::future::ready;
use std::io;
use std::process::Command;

use backstop::scoped_spawn;
use tokio::task::JoinSet;

#[scoped_spawn]
async fn joined() {
    let mut tasks = JoinSet::new();
    tasks.spawn(async {});
    while tasks.join_next().await.is_some() {}
}

#[scoped_spawn]
async fn joined_in_select() {
    let mut tasks = JoinSet::new();
    tasks.spawn(async {});
    tokio::select! {
        _ = tasks.join_next() => {}
    }
}

#[scoped_spawn]
fn given_away() -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.abort_all();
    tasks
}

#[scoped_spawn]
fn child() -> io::Result<()> {
    let mut child = Command::new("true").spawn()?;
    println!("{}", child.id());
    child.wait()?;
    Ok(())
}

#[scoped_spawn]
async fn spawned_in_a_branch(number: u8) -> u8 {
    tokio::select! {
        number = ready(number) => {
            let task = tokio::spawn(async move { number + 1 });
            task.await.unwrap()
        }
    }
}

fn main() {
    drop((joined(), joined_in_select(), spawned_in_a_branch(1)));
    drop(given_away());
    let _ = child();
}
