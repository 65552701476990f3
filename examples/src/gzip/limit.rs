//! A number of bytes that all workers together may write.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

/// The limit, and how much of it is left.
pub(super) struct Limit {
    bytes: u64,
    left: AtomicU64,
}

/// The error of a write for which nothing is left.
#[derive(Debug, thiserror::Error)]
#[error("the limit is reached")]
pub(super) struct Full;

impl Limit {
    pub(super) fn new(bytes: Option<u64>) -> Self {
        let bytes = bytes.unwrap_or(u64::MAX);
        Self { bytes, left: AtomicU64::new(bytes) }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn used(&self) -> u64 {
        self.bytes - self.left.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> Result<(), Full> {
        let take = |left: u64| left.checked_sub(bytes as u64);
        // The number alone is shared, so no ordering is needed.
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .map_or(Err(Full), |_| Ok(()))
    }
}

/// A writer that counts against a limit.
pub(super) struct Limited<'a, W> {
    inner: W,
    limit: &'a Limit,
}

impl<'a, W> Limited<'a, W> {
    pub(super) fn new(inner: W, limit: &'a Limit) -> Self {
        Self { inner, limit }
    }

    pub(super) fn into_inner(self) -> W {
        self.inner
    }
}

impl<W: Write> Write for Limited<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.limit.take(bytes.len()).map_err(io::Error::other)?;
        // All of it: what is taken from the limit is written.
        self.inner.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
