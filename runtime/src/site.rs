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

#[cfg(all(feature = "process", target_os = "linux"))]
impl Site {
    /// A cleanup of this name, declared where this is called, for functions that register one of
    /// their own. Each place is kept for ever, once.
    #[track_caller]
    pub(crate) fn here(name: &'static str) -> &'static Self {
        use std::collections::HashMap;
        use std::convert::Infallible;
        use std::sync::{Mutex, PoisonError};

        use crate::ladder::forever::OfProcess;

        type Places = HashMap<(&'static str, &'static Location<'static>), &'static Site>;
        static PLACES: OfProcess<Mutex<Places>> = OfProcess::new();

        let location = Location::caller();
        let make = || &*Box::leak(Box::new(Self { name, location }));
        let Ok(places) = PLACES.get_or_make(|| Ok::<_, Infallible>(Mutex::default()));
        let mut places = places.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry((name, location)).or_insert_with(make)
    }
}
