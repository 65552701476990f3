//! Ring 3 and 4 above the guard: cleanups that outlive `process::exit`, signals, `abort`, `kill -9`
//! and a power cut.
//!
//! A registration climbs from rung to rung: the [`exit`] hook of this process, the [`reaper`] beside
//! it, the [`journal`] on disk. What they perform for a process that is gone is an [`action`].

pub(crate) mod action;
#[cfg(target_os = "linux")]
pub(crate) mod child;
#[cfg(target_os = "linux")]
pub(crate) mod create;
pub(crate) mod entry;
pub(crate) mod exit;
#[cfg(target_os = "linux")]
pub(crate) mod journal;
pub(crate) mod keeper;
mod mask;
#[cfg(target_os = "linux")]
pub(crate) mod owned;
#[cfg(target_os = "linux")]
pub mod reaper;
#[cfg(target_os = "linux")]
pub(crate) mod rights;
pub(crate) mod root;
pub(crate) mod shutdown;
pub(crate) mod survives;
