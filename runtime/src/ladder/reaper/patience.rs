//! How long a registration waits, in all.

use std::io;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use super::link::Link;
use super::wait_until;

/// A deadline that asks for the time only once something has to be waited for.
pub(super) struct Patience {
    limit: Duration,
    end: Option<Instant>,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, end: None }
    }

    /// What is left of it; it begins with the first call.
    pub(super) fn rest(&mut self) -> Duration {
        match self.end {
            Some(end) => end.saturating_duration_since(Instant::now()),
            None => {
                self.end = Instant::now().checked_add(self.limit);
                self.limit
            }
        }
    }

    /// Not less than `limit` from its beginning.
    pub(super) fn extend_to(&mut self, limit: Duration) {
        if self.limit < limit {
            let more = limit.saturating_sub(self.limit);
            self.end = self.end.and_then(|end| end.checked_add(more));
            self.limit = limit;
        }
    }

    pub(super) fn wait_for_room(&mut self, link: &Link) -> io::Result<()> {
        let rest = self.rest();
        if wait_until(link.socket(), PollFlags::OUT, Some(rest))? {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("the reaper (process {}) has taken no message for {:?}", link.pid, self.limit),
        ))
    }
}
