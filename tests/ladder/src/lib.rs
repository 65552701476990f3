//! What several tests of the ladder need.

pub mod exit;
pub mod shutdown;
