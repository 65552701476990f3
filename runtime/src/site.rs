//! Where a cleanup was declared.

use std::panic::Location;
use std::time::Duration;

/// A cleanup's name and place.
#[derive(Debug)]
pub struct Site {
    pub(crate) name: &'static str,
    pub(crate) location: &'static Location<'static>,
    /// How long the cleanup may take, if that is limited.
    pub(crate) timeout: Option<Duration>,
}

impl Site {
    /// A cleanup of this name, declared where this is called.
    #[track_caller]
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, location: Location::caller(), timeout: None }
    }

    /// Limits the time that the cleanup may take.
    #[must_use]
    pub const fn within(self, nanoseconds: u64) -> Self {
        Self { timeout: Some(Duration::from_nanos(nanoseconds)), ..self }
    }
}
