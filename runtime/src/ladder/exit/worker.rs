//! The threads that cleanups run on.
//!
//! One works at a time, so that cleanups run in order; another stands by, for the case that a
//! cleanup hangs.

use std::io;
use std::thread::Builder;

use super::bell::Bell;
use super::hook::Hook;
use super::phase::Phase;
use super::{sys, thread};
use crate::ladder::mask::{with_signals_blocked, with_signals_of_main};
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// With as many cleanups that hang, what is left of the time is not worth one more thread. In models the
/// conductor works itself, as where there are no threads to be had.
pub(super) const WORKERS: usize = if cfg!(all(test, backstop_loom)) { 0 } else { 32 };

/// In `current`: the conductor went on without it.
const LEFT: u64 = 1 << 63;

const COMING: usize = 1;

pub(super) struct Crew([Worker; WORKERS]);

pub(super) struct Worker {
    /// 0 where there is none, `COMING` before it says which one it is.
    thread: AtomicUsize,
    /// The number of the entry that it is running, or 0.
    current: AtomicU64,
    /// Whether it was started, and has not come back.
    busy: AtomicBool,
    start: Bell,
}

impl Crew {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| Worker {
            thread: AtomicUsize::new(0),
            current: AtomicU64::new(0),
            busy: AtomicBool::new(false),
            start: Bell::new(),
        }))
    }

    fn idle(&self) -> impl Iterator<Item = &Worker> {
        self.0.iter().filter(|worker| worker.exists() && !worker.is_busy())
    }

    /// Whether there is any thread, working, ready or coming.
    pub(super) fn is_there(&self) -> bool {
        self.0.iter().any(Worker::exists)
    }

    /// Whether the conductor went on without the worker that is running this entry.
    pub(super) fn has_left(&self, entry: u64) -> bool {
        self.0.iter().any(|worker| worker.current.load(Ordering::SeqCst) == entry | LEFT)
    }

    /// Whether all threads that were made have begun.
    pub(super) fn is_ready(&self) -> bool {
        self.0.iter().all(|worker| worker.is_there() || !worker.exists())
    }

    /// Makes threads, until this many stand by. For the conductor only.
    pub(super) fn stand_by(&'static self, hook: &'static Hook, count: usize) -> io::Result<()> {
        for _ in self.idle().count()..count {
            let free = (1..).zip(&self.0).find(|(_, worker)| !worker.exists());
            let Some((number, worker)) = free else {
                return Err(io::ErrorKind::QuotaExceeded.into());
            };
            let builder = Builder::new().name(format!("backstop-exit-{number}"));
            with_signals_blocked(|| builder.spawn(|| worker.main(hook)))?;
            let thread = &worker.thread;
            let _ = thread.compare_exchange(0, COMING, Ordering::SeqCst, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Starts a thread that stands by, and has the next one made. For the conductor only.
    pub(super) fn start(&'static self, hook: &'static Hook) -> Option<&'static Worker> {
        let worker = self.idle().find(|worker| worker.is_there());
        if let Some(worker) = worker {
            worker.busy.store(true, Ordering::SeqCst);
            worker.start.ring();
        }
        let _ = self.stand_by(hook, 1);
        worker
    }
}

impl Worker {
    fn exists(&self) -> bool {
        self.thread.load(Ordering::SeqCst) != 0
    }

    /// Whether the thread has begun. It may never: a thread that overflowed its stack holds a lock of
    /// the standard library that a new thread needs.
    fn is_there(&self) -> bool {
        self.thread.load(Ordering::SeqCst) > COMING
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst)
    }

    /// The entry that it is running.
    pub(super) fn current(&self) -> Option<u64> {
        Some(self.current.load(Ordering::SeqCst)).filter(|current| *current != 0)
    }

    /// Goes on without it, if it is still running this entry.
    pub(super) fn leave(&self, entry: u64) -> bool {
        let left = entry | LEFT;
        self.current.compare_exchange(entry, left, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    pub(super) fn is_abandoned(&self, hook: &Hook) -> bool {
        hook.is_abandoned(self.thread.load(Ordering::SeqCst))
    }

    fn main(&self, hook: &Hook) {
        thread::Engaged::for_good();
        self.thread.store(sys::this_thread(), Ordering::SeqCst);
        hook.bell.ring();
        let mut started = 0;
        loop {
            // Nobody starts it again before it is back.
            self.start.wait(started, None);
            started += 1;
            with_signals_of_main(|| self.work(hook));
            self.busy.store(false, Ordering::SeqCst);
            hook.bell.ring();
        }
    }

    /// Runs what is armed, the newest first.
    fn work(&self, hook: &Hook) {
        while hook.phase() != Phase::Closed {
            let Some(taken) = hook.next() else { return };
            self.current.store(taken.place.sequence, Ordering::SeqCst);
            hook.run(taken);
            if self.current.swap(0, Ordering::SeqCst) & LEFT != 0 {
                return;
            }
        }
    }
}
