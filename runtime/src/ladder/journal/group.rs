//! Group commit: one thread writes, for all who wait, what came in during its last write.
//!
//! A thread of its own, and not the first that comes: a disk may not answer for ever, and who
//! registers or withdraws, in a destructor perhaps, waits for a limited time only.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::record::Kind;
use super::segment::{Change, Segment};
use crate::ladder::mask::with_signals_blocked;

/// How long a change may take, from when the writer began what it is at.
const LIMIT: Duration = Duration::from_secs(10);

/// The way to the thread that writes.
#[derive(Debug)]
pub(super) struct Group {
    shared: Arc<Shared>,
    /// The process that the thread is in: a forked child has neither the thread nor the segment.
    pid: u32,
    limit: Duration,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<(Change, Arc<Slot>)>,
    /// Since when the writer is at what it took from the queue.
    busy: Option<Instant>,
}

/// Where a change's result is put.
#[derive(Debug, Default)]
struct Slot {
    result: Mutex<Option<io::Result<()>>>,
    there: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Group {
    /// Starts the thread, which keeps the segment while the process lives.
    pub(super) fn start(segment: Segment) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new().name("backstop-journal".into());
        with_signals_blocked(|| thread.spawn(move || write_for_ever(&own, segment)))?;
        Ok(Self { shared, pid: process::id(), limit: LIMIT })
    }

    /// Returns when the change is on disk, or surely is not to be.
    pub(super) fn change(&self, kind: Kind, key: u64, data: Arc<[u8]>) -> io::Result<()> {
        // Before any lock, which a thread that the child does not have may hold.
        if process::id() != self.pid {
            return Err(io::Error::other(
                "journal: it is the parent's: a forked process has none until it executes a program",
            ));
        }
        let slot = self.submit(Change { kind, key, data });
        let began = lock(&self.shared.state).busy;
        let deadline = began.unwrap_or_else(Instant::now) + self.limit;
        let late = slot.wait(deadline);
        if late.is_none() && kind == Kind::Intent {
            // The caller is told that it is not registered: it should not be found there later.
            self.submit(Change { kind: Kind::Forget, key, data: Arc::default() });
        }
        late.unwrap_or_else(|| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("journal: the disk has not answered for {} s", self.limit.as_secs()),
            ))
        })
    }

    fn submit(&self, change: Change) -> Arc<Slot> {
        let slot = Arc::new(Slot::default());
        lock(&self.shared.state).queue.push_back((change, Arc::clone(&slot)));
        self.shared.work.notify_one();
        slot
    }
}

impl Slot {
    fn wait(&self, deadline: Instant) -> Option<io::Result<()>> {
        let mut result = lock(&self.result);
        while result.is_none() {
            let left = deadline.checked_duration_since(Instant::now())?;
            result =
                self.there.wait_timeout(result, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        result.take()
    }

    fn put(&self, result: io::Result<()>) {
        *lock(&self.result) = Some(result);
        self.there.notify_one();
    }
}

fn write_for_ever(shared: &Shared, mut segment: Segment) {
    loop {
        let mut state = lock(&shared.state);
        state.busy = None;
        while state.queue.is_empty() {
            state = shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let (changes, slots) = state.take();
        state.busy = Some(Instant::now());
        drop(state);
        for (slot, result) in slots.into_iter().zip(segment.apply(changes)) {
            slot.put(result);
        }
    }
}

impl State {
    /// The next batch: one change for each registration at most.
    fn take(&mut self) -> (Vec<Change>, Vec<Arc<Slot>>) {
        let mut keys = HashSet::new();
        let end = self.queue.iter().position(|(change, _)| !keys.insert(change.key));
        self.queue.drain(..end.unwrap_or(self.queue.len())).unzip()
    }
}

#[cfg(test)]
mod tests;
