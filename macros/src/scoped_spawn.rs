//! `#[scoped_spawn]`: nothing spawned in the body outlives the function.

mod args;
mod builders;
pub(crate) mod expand;
mod handles;
mod spawns;
pub(crate) mod tasks;
mod unknown;

pub(crate) use args::Args;
pub(crate) use spawns::{Paths, Rewritten, Spawned, Spawns, task_spawn};
