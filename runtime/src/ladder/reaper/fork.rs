//! Whether this process is a fork of the one that it was.
#![allow(unsafe_code, reason = "`pthread_atfork`")]

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many forks there are between this process and the first one.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// As [`GENERATION`], without a call of the system: `getpid` takes a third of the time that a
/// registration may take. Forks by a bare `clone` are not seen; the reaper sees who sends what.
pub(super) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Begins to count, once.
pub(super) fn watch() -> io::Result<()> {
    extern "C" fn forked() {
        GENERATION.fetch_add(1, Ordering::Relaxed);
    }
    static WATCHED: OnceLock<i32> = OnceLock::new();
    // SAFETY: the handler only adds to an atomic, which is allowed in a fork of a program with threads.
    match WATCHED.get_or_init(|| unsafe { libc::pthread_atfork(None, None, Some(forked)) }) {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(*error)),
    }
}
