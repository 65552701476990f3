//! What the hook knows of the calling thread.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

use super::sys;
use crate::sync::thread_local;

/// Plain cells without destructors: they can be read in `atexit` handlers, after the thread-local
/// destructors, and in signal handlers.
struct State {
    /// The number of its shard; 0 before its first registration.
    shard: Cell<u32>,
    /// The kernel's number of it, once it has a shard.
    task: Cell<u32>,
    /// Announcements that it has open.
    announced: Cell<usize>,
    /// Guarded statements that it is in, which are making something.
    making: Cell<usize>,
    /// Cleanups that it is running, one within the other.
    running: Cell<usize>,
    /// Whether it is ending the process.
    ending: Cell<bool>,
}

thread_local! {
    static THREAD: State = const {
        State {
            shard: Cell::new(0),
            task: Cell::new(0),
            announced: Cell::new(0),
            making: Cell::new(0),
            running: Cell::new(0),
            ending: Cell::new(false),
        }
    };
}

/// The number of the thread's own shard. Threads take them in turns.
#[inline]
pub(super) fn shard() -> u32 {
    THREAD.try_with(|thread| thread.shard.get()).map_or(0, |shard| match shard {
        0 => assign_shard(),
        shard => shard,
    })
}

/// The next thread's.
pub(super) static NEXT: AtomicU32 = AtomicU32::new(1);

#[cold]
fn assign_shard() -> u32 {
    // In a program of four thousand million threads one has to ask again.
    let shard = NEXT.fetch_add(1, Ordering::Relaxed);
    let _ = THREAD.try_with(|thread| {
        thread.task.set(sys::this_task());
        thread.shard.set(shard);
    });
    shard
}

/// What the kernel calls the thread, if it has a shard; 0 where that is not known.
#[inline]
pub(super) fn task() -> u32 {
    THREAD.try_with(|thread| thread.task.get()).unwrap_or(0)
}

/// A forked child has one thread, with a number of its own. Async-signal-safe.
pub(super) fn forked() {
    let _ = THREAD.try_with(|thread| thread.task.set(sys::this_task()));
}

/// An announcement begins.
#[inline]
pub(super) fn announce() {
    let _ = THREAD.try_with(|thread| thread.announced.set(thread.announced.get() + 1));
}

/// An announcement ends.
#[inline]
pub(super) fn announced() {
    let _ =
        THREAD.try_with(|thread| thread.announced.set(thread.announced.get().saturating_sub(1)));
}

/// The announcements that it has open. It will not end them if it ends the process.
pub(super) fn announcements() -> usize {
    THREAD.try_with(|thread| thread.announced.get()).unwrap_or(0)
}

/// A guarded statement begins to make something.
pub(super) fn making() {
    let _ = THREAD.try_with(|thread| thread.making.set(thread.making.get() + 1));
}

/// A guarded statement has ended.
pub(super) fn made() {
    let _ = THREAD.try_with(|thread| thread.making.set(thread.making.get().saturating_sub(1)));
}

/// While this lives, the thread runs a cleanup, and is not held up.
pub(super) struct Engaged(());

impl Engaged {
    pub(super) fn new() -> Self {
        let _ = THREAD.try_with(|thread| thread.running.set(thread.running.get() + 1));
        Self(())
    }

    /// The thread ends the process: it is never held up.
    pub(super) fn for_good() {
        let _ = THREAD.try_with(|thread| thread.ending.set(true));
    }
}

impl Drop for Engaged {
    fn drop(&mut self) {
        let _ =
            THREAD.try_with(|thread| thread.running.set(thread.running.get().saturating_sub(1)));
    }
}

/// Whether the thread is in the middle of a cleanup, which the hook waits for.
pub(super) fn is_running() -> bool {
    THREAD.try_with(|thread| thread.running.get() > 0).unwrap_or(false)
}

/// Whether the hook neither waits for the thread nor runs on it.
pub(super) fn is_free() -> bool {
    let is_free = THREAD.try_with(|thread| {
        let busy = thread.running.get() + thread.announced.get() + thread.making.get();
        !thread.ending.get() && busy == 0
    });
    matches!(is_free, Ok(true))
}
