//! `#[scoped_spawn]`: nothing spawned in the body outlives the function.

mod args;
pub(crate) mod expand;
mod spawns;

pub(crate) use args::Args;
pub(crate) use spawns::{Paths, Spawned, Spawns};
