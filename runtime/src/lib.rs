#![doc = include_str!("../README.md")]
//!
//! ## Where to look
//!
//! | to | see |
//! |---|---|
//! | declare cleanups, in an `async fn`, too | [`#[must_cleanup]`](macro@must_cleanup), [`defer!`], [`Guard`], [`Outcome`] |
//! | forbid what ends the process | [`#[no_exit]`](macro@no_exit) |
//! | keep threads and tasks from outliving their function | [`#[scoped_spawn]`](macro@scoped_spawn), [`mod@scope`] |
//! | tell work to stop | [`CancelToken`], [`cancel_token`] |
//! | hear of cleanups that failed | [`set_observer`], [`Event`] |
//! | end a program on a signal, with a status that tells the truth | [`#[backstop::main]`](macro@main) |
#![cfg_attr(
    all(feature = "process", target_os = "linux"),
    doc = "| end it with a code, and run every destructor | [`exit`](fn@exit) |
| clean up behind `process::exit`, `kill -9`, a power cut | [`Survives`], [`Action`], [`scratch`], [`create_file`], \
           [`mod@reaper`], [`journal`] |
| start programs that end with this one | [`process::spawn`], [`process::Child`] |"
)]
#![cfg_attr(
    feature = "tokio",
    doc = "| wait for `async` cleanups that were handed over | [`drain`](fn@drain), [`drain_blocking`] |"
)]
#![cfg_attr(docsrs, feature(doc_cfg))]
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
mod forever;
mod guard;
mod judge;
#[cfg(all(feature = "process", unix))]
mod ladder;
mod needs;
mod outcome;
mod report;
#[cfg(all(feature = "process", target_os = "linux"))]
pub mod journal {
    //! The journal of a program whose `main` is not under `#[backstop::main(journal)]`.
    //!
    //! Needs the feature `process`; Linux only.
    pub use crate::ladder::journal::{open, open_in};
}
#[cfg(all(feature = "process", target_os = "linux"))]
pub mod process {
    //! Child processes that cannot outlive this one.
    //!
    //! Needs the feature `process`; Linux only.
    pub use crate::ladder::child::{Child, spawn};
}
mod root;
pub mod scope;
mod site;
mod sync;
mod traced;
mod wait;
#[cfg(feature = "tokio")]
mod wakers;
mod warnings;
mod ways;

pub use backstop_macros::{main, must_cleanup, no_exit, scoped_spawn};
pub use cancel::{CancelCause, CancelToken, Cancelled, InScope, cancel_token};
#[cfg(feature = "tokio")]
pub use cancel::{Run, WaitForCancel};
#[cfg(feature = "tokio")]
pub use cleanup_runtime::{drain, drain_blocking};
pub use event::{Event, EventKind, set_observer};
pub use guard::Guard;
#[cfg(all(feature = "process", unix))]
pub use ladder::action::Action;
#[cfg(all(feature = "process", target_os = "linux"))]
pub use ladder::journal::{FailedAction, LeftAlone, Recovery, recover};
#[cfg(all(feature = "process", target_os = "linux"))]
pub use ladder::owned::{OwnedPath, create_dir, create_file, create_socket, scratch};
#[cfg(all(feature = "process", target_os = "linux"))]
pub use ladder::reaper;
#[cfg(all(feature = "process", unix))]
pub use ladder::shutdown::exit;
#[cfg(all(feature = "process", unix))]
pub use ladder::survives::Survives;
pub use outcome::Outcome;
pub use scope::scope;
