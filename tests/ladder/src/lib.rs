//! What several tests of the ladder need.

pub mod exit;
#[cfg(target_os = "linux")]
pub mod step;
