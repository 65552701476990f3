//! What several tests of the ladder need.

pub mod exit;
#[cfg(target_os = "linux")]
pub mod gone;
pub mod journal;
pub mod shutdown;
#[cfg(target_os = "linux")]
pub mod step;
