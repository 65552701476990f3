//! How long an action may take.

use std::thread;
use std::time::{Duration, Instant};

/// An instant that may be too far away to be expressed: it never comes then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    pub(super) fn after(timeout: Duration) -> Self {
        Self(Instant::now().checked_add(timeout))
    }

    /// This deadline, or `timeout` from now if that is earlier.
    pub(super) fn at_most(self, timeout: Duration) -> Self {
        match (self.0, Instant::now().checked_add(timeout)) {
            (Some(own), Some(other)) => Self(Some(own.min(other))),
            (own, other) => Self(own.or(other)),
        }
    }

    pub(super) fn passed(self) -> bool {
        self.0.is_some_and(|at| at <= Instant::now())
    }

    /// The time left; an hour where it never comes, for callers that look again afterwards.
    pub(super) fn left(self) -> Duration {
        const HOUR: Duration = Duration::from_secs(3600);
        self.0.map_or(HOUR, |at| at.saturating_duration_since(Instant::now()).min(HOUR))
    }

    /// Sleeps for `pause`, or what is left.
    pub(super) fn sleep(self, pause: Duration) {
        thread::sleep(pause.min(self.left()));
    }
}
