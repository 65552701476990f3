//! Where a cleanup was declared.

use std::panic::Location;

/// A cleanup's name and place.
#[derive(Debug)]
pub struct Site {
    pub(crate) name: &'static str,
    pub(crate) location: &'static Location<'static>,
}

impl Site {
    /// A cleanup of this name, declared where this is called.
    #[track_caller]
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, location: Location::caller() }
    }
}
