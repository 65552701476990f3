//! What several tests of the ladder need.
