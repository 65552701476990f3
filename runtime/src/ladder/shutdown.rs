//! `#[backstop::main]`: from the first signal to the exit status.
//!
//! A thread of its own, the [`supervisor`], goes through the phases, so that a `main` that is stuck
//! still ends. It learns of signals from handlers that only write to a socket, and of
//! [`exit`](fn@exit) through the same socket.

mod beside;
#[cfg(feature = "tokio")]
mod driver;
mod exit;
mod last_words;
mod main;
mod signals;
mod status;
mod supervisor;
#[cfg(feature = "tokio")]
mod tasks;
#[cfg(test)]
mod tests;

pub use self::exit::exit;
pub(crate) use self::exit::is_exit;
pub(crate) use self::main::{Options, is_main_over, run};
#[cfg(feature = "tokio")]
pub(crate) use self::tasks::run_async;
