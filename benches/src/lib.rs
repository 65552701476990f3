//! Measures what backstop costs beside the same work in plain code and with scopeguard.
//!
//! See `README.md` here for the commands and the numbers.
#![allow(missing_docs, reason = "not published")]

pub mod callgrind;
pub mod exit;
pub mod generated;
mod opaque;
pub mod operations;
#[cfg(target_os = "linux")]
pub mod reaper;
pub mod shutdown;
pub mod tasks;
