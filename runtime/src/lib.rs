//! Cleanup that cannot be skipped.
#![deny(unsafe_code)]

mod event;
mod outcome;

pub use event::{Event, EventKind, set_observer};
pub use outcome::Outcome;
