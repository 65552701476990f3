//! Cleanup that cannot be skipped.
#![deny(unsafe_code)]
#![allow(
    clippy::inline_always,
    reason = "a guard costs nothing only where the optimiser sees all of it, in unwind paths too, \
              which it does not inline by itself"
)]

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
#[cfg(all(feature = "process", not(unix)))]
compile_error!("the feature `process` of `backstop` needs a Unix system");

mod cancel;
#[cfg(feature = "tokio")]
mod cleanup_runtime;
mod contain;
mod defer;
mod event;
mod finish;
mod flag;
mod guard;
mod judge;
#[cfg(all(feature = "process", unix))]
mod ladder;
mod needs;
mod outcome;
mod report;
pub mod scope;
mod site;
mod wait;
mod warnings;
mod ways;

pub use backstop_macros::{must_cleanup, no_exit, scoped_spawn};
pub use cancel::{CancelCause, CancelToken, Cancelled, InScope, cancel_token};
#[cfg(feature = "tokio")]
pub use cancel::{Run, WaitForCancel};
#[cfg(feature = "tokio")]
pub use cleanup_runtime::{drain, drain_blocking};
pub use event::{Event, EventKind, set_observer};
pub use guard::Guard;
#[cfg(all(feature = "process", unix))]
pub use ladder::action::Action;
pub use outcome::Outcome;
pub use scope::scope;
