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

#[cfg(any(feature = "tokio", all(feature = "process", target_os = "linux")))]
impl Site {
    /// A cleanup of this name, for functions that register one of their own. Each place is kept for ever,
    /// once.
    pub(crate) fn at(name: &'static str, location: &'static Location<'static>) -> &'static Self {
        use std::collections::HashMap;
        use std::convert::Infallible;
        use std::sync::{Mutex, PoisonError};

        use crate::forever::OfProcess;

        type Places = HashMap<(&'static str, &'static Location<'static>), &'static Site>;
        static PLACES: OfProcess<Mutex<Places>> = OfProcess::new();

        let make = || &*Box::leak(Box::new(Self { name, location, timeout: None }));
        let Ok(places) = PLACES.get_or_make(|| Ok::<_, Infallible>(Mutex::default()));
        let mut places = places.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry((name, location)).or_insert_with(make)
    }

    /// One that is declared where this is called.
    #[cfg(all(feature = "process", target_os = "linux"))]
    #[track_caller]
    pub(crate) fn here(name: &'static str) -> &'static Self {
        Self::at(name, Location::caller())
    }
}
