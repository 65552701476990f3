//! What several tests of the ladder need.

#[cfg(target_os = "linux")]
pub mod arena;
#[cfg(target_os = "linux")]
pub mod ends;
pub mod exit;
#[cfg(target_os = "linux")]
pub mod gone;
pub mod journal;
pub mod pause;
pub mod random;
pub mod shutdown;
pub mod signals;
#[cfg(target_os = "linux")]
pub mod step;
