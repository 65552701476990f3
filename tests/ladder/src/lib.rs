//! What several tests of the ladder need.

#[cfg(target_os = "linux")]
pub mod step;
