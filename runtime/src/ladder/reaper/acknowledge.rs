//! Waiting for a reaper's acknowledgements.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use super::link::Link;
use super::protocol::{self, Response};
use super::{system, wait_until};

/// How waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    /// The reaper has taken the message.
    Taken,
    /// That reaper is gone.
    Gone,
}

/// What one reaper has acknowledged. Messages are taken in the order that they were sent in, so the last
/// token speaks for all before it. One of those who wait reads the channel for the others, too.
#[derive(Debug, Default)]
pub(super) struct Acknowledgements {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    read_by_one: bool,
    waiting: u32,
}

impl Acknowledgements {
    /// Waits for `token` from the reaper at `link`.
    pub(super) fn wait(&self, link: &Link, token: u64, limit: Duration) -> io::Result<Waited> {
        let end = Instant::now().checked_add(limit);
        let rest = || end.map_or(limit, |end| end.saturating_duration_since(Instant::now()));
        let mut state = self.lock();
        loop {
            if state.last >= token {
                return Ok(Waited::Taken);
            }
            let rest = rest();
            if rest.is_zero() {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("the reaper (process {}) did not answer in time", link.pid),
                ));
            }
            if state.read_by_one {
                state.waiting += 1;
                state = self
                    .changed
                    .wait_timeout(state, rest)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
                state.waiting -= 1;
                continue;
            }
            state.read_by_one = true;
            drop(state);
            let read = read(link, rest);
            state = self.lock();
            state.read_by_one = false;
            if let Ok(Some(token)) = read {
                state.last = state.last.max(token);
            }
            if state.waiting > 0 {
                self.changed.notify_all();
            }
            match read {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(Waited::Gone),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next acknowledgement; nothing at the end of the channel.
fn read(link: &Link, limit: Duration) -> io::Result<Option<u64>> {
    let mut buffer = [0; 64];
    if !wait_until(link.socket(), PollFlags::IN, Some(limit))? {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let received = match system::receive(link.socket(), &mut buffer, false) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Some(0)),
        received => received?,
    };
    if received.length == 0 {
        return Ok(None);
    }
    match protocol::decode(&buffer[..received.length]) {
        Ok(Response::Taken(token)) => Ok(Some(token)),
        Ok(_) | Err(_) => Ok(Some(0)),
    }
}
