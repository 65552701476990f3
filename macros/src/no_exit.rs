//! `#[no_exit]`: nothing in the body may end the process or the thread without unwinding.

pub(crate) mod analyze;
mod args;
pub(crate) mod expand;
mod printed;

pub(crate) use args::Args;
