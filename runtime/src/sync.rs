//! The locks and atomics of what threads race for: the standard library's, and in models loom's.
//!
//! A model is a test in a module of that name. It runs the very code that is shipped under every
//! interleaving of its threads, and every value that the memory orderings let a load see. What both
//! versions of this module have in common is what such code may use. `Arc` is always the standard
//! library's, for loom's has no `Weak`: models switch threads at locks and atomics alone.
//!
//! The `cfg` is not called `loom`, because that one is tokio's, too, which does not build as a dependency
//! where it is set.

#[cfg(not(all(test, backstop_loom)))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard, atomic},
    thread_local,
};
#[cfg(all(not(all(test, backstop_loom)), feature = "process", unix))]
pub(crate) use std::{
    thread::{sleep, yield_now},
    time::Instant,
};

#[cfg(all(test, backstop_loom))]
pub(crate) use self::models::*;

#[cfg(all(test, backstop_loom))]
mod models;
