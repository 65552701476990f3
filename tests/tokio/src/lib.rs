//! What the tests of tasks share: a log that cleanups on any thread write to.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use backstop::Event;

/// What happened, in order, on whatever thread. Clones are the same log.
#[derive(Clone, Debug, Default)]
pub struct SharedLog(Arc<Mutex<Vec<String>>>);

impl SharedLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes an entry.
    pub fn note(&self, entry: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry.into());
    }

    /// Takes all entries, separated by spaces.
    #[must_use]
    pub fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).join(" ")
    }
}

/// Polls a future `polls` times, or to its end, and drops it; gives its value if it ended.
pub fn polled<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    })
}

/// Waits for all cleanups that were handed over, at most for a minute.
///
/// # Panics
///
/// If there are some left then.
pub fn drained() {
    assert_eq!(backstop::drain_blocking(Duration::from_secs(60)), 0, "cleanups are left");
}

/// The events of this test binary so far that the closure picks, at whatever thread.
pub fn events(pick: impl Fn(&Event) -> bool) -> Vec<Event> {
    static EVENTS: LazyLock<Arc<Mutex<Vec<Event>>>> = LazyLock::new(|| {
        let events = Arc::<Mutex<Vec<Event>>>::default();
        let seen = Arc::clone(&events);
        backstop::set_observer(move |event| {
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
        });
        events
    });
    let events = EVENTS.lock().unwrap_or_else(PoisonError::into_inner);
    events.iter().filter(|event| pick(event)).cloned().collect()
}
