//! What several tests of the ladder need.

pub mod journal;
