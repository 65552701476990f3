//! Waiting for a reaper's acknowledgements.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::channel;
use super::link::Link;
use super::protocol::{self, Response};

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
    /// Waits for the token `wanted` from the reaper at `link`, for twice `limit` at the longest.
    pub(super) fn wait(&self, link: &Link, wanted: u64, limit: Duration) -> io::Result<Waited> {
        // Known only once the first wait was not enough: a clock takes its time, too.
        let mut end = None;
        let mut state = self.lock();
        loop {
            if state.last >= wanted {
                return Ok(Waited::Taken);
            }
            let rest =
                end.map_or(limit, |end: Instant| end.saturating_duration_since(Instant::now()));
            if rest.is_zero() {
                return Err(too_late(link));
            }
            if state.read_by_one {
                state.waiting += 1;
                state = self
                    .changed
                    .wait_timeout(state, rest)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
                state.waiting -= 1;
                end = end.or_else(|| Instant::now().checked_add(limit));
                continue;
            }
            state.read_by_one = true;
            drop(state);
            let read = read(link);
            state = self.lock();
            state.read_by_one = false;
            if let Ok(Read::Taken(token)) = read {
                state.last = state.last.max(token);
            }
            if state.waiting > 0 {
                self.changed.notify_all();
            }
            match read? {
                Read::Taken(token) if token >= wanted => return Ok(Waited::Taken),
                Read::Taken(_) | Read::Nothing => {}
                Read::End => return Ok(Waited::Gone),
                Read::TooLate => return Err(too_late(link)),
            }
            end = end.or_else(|| Instant::now().checked_add(limit));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of waiting for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    /// Everything up to this token has been taken.
    Taken(u64),
    /// Something else.
    Nothing,
    /// The end of the channel.
    End,
    /// Nothing came within the link's deadline.
    TooLate,
}

fn read(link: &Link) -> io::Result<Read> {
    let mut buffer = [0; 64];
    let length = match link.receive(&mut buffer) {
        Ok(0) => return Ok(Read::End),
        Ok(length) => length,
        Err(error) => {
            return match error.kind() {
                io::ErrorKind::ConnectionReset => Ok(Read::End),
                _ if channel::is_lost(&error) => Ok(Read::End),
                io::ErrorKind::WouldBlock => Ok(Read::TooLate),
                io::ErrorKind::Interrupted => Ok(Read::Nothing),
                _ => Err(error),
            };
        }
    };
    Ok(match protocol::decode(&buffer[..length]) {
        Ok(Response::Taken(token)) => Read::Taken(token),
        Ok(_) | Err(_) => Read::Nothing,
    })
}

fn too_late(link: &Link) -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("the reaper (process {}) did not answer in time", link.pid),
    )
}
