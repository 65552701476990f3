//! A thousand tasks, spawned and joined, in a scope and by tokio's own means.

use std::hint::black_box;

use backstop::scope;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// How many tasks one call spawns.
pub const TASKS: usize = 1000;

/// How many times each way is run, in a process of its own: what the allocator does for one would depend
/// on what it did for another.
pub const ROUNDS: usize = 11;

/// A way to spawn and join them.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// What it is called in the table.
    pub name: &'static str,
    /// Spawns and joins.
    pub run: fn(&Runtime),
    /// How many times the instructions of the first way it may take, in percent.
    pub limit: u64,
}

/// Every way, the one that the others are compared with first, and once more as a control.
#[must_use]
pub fn all() -> [Way; 6] {
    [
        Way { name: "JoinSet", run: join_set, limit: 100 },
        Way { name: "JoinSet once more", run: join_set, limit: 101 },
        Way { name: "scope", run: scoped, limit: 100 },
        Way { name: "scope, names on", run: named, limit: 105 },
        Way { name: "scope, a name made for each", run: named_each, limit: 130 },
        Way { name: "scope, handles awaited", run: awaited, limit: 105 },
    ]
}

fn join_set(runtime: &Runtime) {
    runtime.block_on(async {
        let mut set = JoinSet::new();
        for n in 0..TASKS {
            set.spawn(async move { black_box(n) });
        }
        while let Some(ended) = set.join_next().await {
            black_box(ended.ok());
        }
    });
}

fn scoped(runtime: &Runtime) {
    runtime.block_on(scope::tokio(|s| async move {
        for n in 0..TASKS {
            s.spawn(async move { black_box(n) });
        }
    }));
}

fn named(runtime: &Runtime) {
    runtime.block_on(scope::tokio(|s| async move {
        for n in 0..TASKS {
            s.task().name("worker").spawn(async move { black_box(n) });
        }
    }));
}

fn named_each(runtime: &Runtime) {
    runtime.block_on(scope::tokio(|s| async move {
        for n in 0..TASKS {
            s.task().name(String::from("worker")).spawn(async move { black_box(n) });
        }
    }));
}

fn awaited(runtime: &Runtime) {
    runtime.block_on(scope::tokio(|s| async move {
        let tasks: Vec<_> = (0..TASKS).map(|n| s.spawn(async move { black_box(n) })).collect();
        for task in tasks {
            black_box(task.await.ok());
        }
    }));
}
