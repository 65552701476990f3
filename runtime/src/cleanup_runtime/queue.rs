//! What was handed over and has not ended, and who waits for it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::panic::Location;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::sync::{Condvar, Mutex, MutexGuard};
use crate::wakers::{contained, wake};

/// What tasks wait for that are listed here.
const DRAIN: &str = "<drain>";

/// The jobs of a chain run one after the other; those of different chains side by side.
pub(super) struct Queue<J> {
    state: Mutex<State<J>>,
    drained: Condvar,
}

struct State<J> {
    /// What has begun and not ended: cleanups, and scopes whose tasks were aborted.
    pending: usize,
    /// What waits behind a job of the same chain that runs.
    chains: HashMap<u64, VecDeque<J>>,
    /// Tasks that wait for `pending` to be none.
    waiting: BTreeMap<u64, Waker>,
    next_key: u64,
}

impl<J> Queue<J> {
    pub(super) fn new() -> Self {
        let state =
            State { pending: 0, chains: HashMap::new(), waiting: BTreeMap::new(), next_key: 0 };
        Self { state: Mutex::new(state), drained: Condvar::new() }
    }

    /// Something begins that is to be waited for.
    pub(super) fn begin(&self) {
        self.state().pending += 1;
    }

    /// What was declared at `location` has ended.
    pub(super) fn end(&self, location: &'static Location<'static>) {
        let mut state = self.state();
        state.pending -= 1;
        if state.pending > 0 {
            return;
        }
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.drained.notify_all();
        wake(waiting.into_values(), DRAIN, location);
    }

    /// Queues a job behind those of its chain. Given back if it is the first: somebody has to run the
    /// chain then, with [`next`](Self::next) until there is none.
    pub(super) fn push(&self, chain: u64, job: J) -> Option<J> {
        let mut state = self.state();
        if let Some(waiting) = state.chains.get_mut(&chain) {
            waiting.push_back(job);
            return None;
        }
        state.chains.insert(chain, VecDeque::new());
        Some(job)
    }

    /// The next job of a chain, one of whose has ended.
    pub(super) fn next(&self, chain: u64) -> Option<J> {
        let mut state = self.state();
        let next = state.chains.get_mut(&chain).and_then(VecDeque::pop_front);
        if next.is_none() {
            state.chains.remove(&chain);
        }
        next
    }

    /// Waits until nothing is pending. `key` is the task's place among the others.
    pub(super) fn poll_drained(&self, cx: &mut Context<'_>, key: &mut Option<u64>) -> Poll<()> {
        // Before the lock: it may be anybody's code, as its destructor.
        let waker = cx.waker().clone();
        let mut state = self.state();
        if state.pending == 0 {
            return Poll::Ready(());
        }
        let key = *key.get_or_insert_with(|| {
            state.next_key += 1;
            state.next_key
        });
        let before = state.waiting.insert(key, waker);
        drop(state);
        contained(DRAIN, Location::caller(), || drop(before));
        Poll::Pending
    }

    /// The task does not wait any more.
    pub(super) fn leave(&self, key: u64) {
        let waker = self.state().waiting.remove(&key);
        contained(DRAIN, Location::caller(), || drop(waker));
    }

    /// Blocks until nothing is pending, or `limit` is over; gives how much is.
    pub(super) fn wait_drained(&self, limit: Duration) -> usize {
        let begun = Instant::now();
        let mut state = self.state();
        while state.pending > 0 {
            let left = limit.saturating_sub(begun.elapsed());
            if left.is_zero() {
                break;
            }
            let woken = self.drained.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.pending
    }

    /// Held over none of the user's code, so never poisoned; `into_inner` for form's sake.
    fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, backstop_loom))]
mod model;

#[cfg(all(test, not(backstop_loom)))]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;
    use crate::wakers::tests::{calling_when_cloned, panicking};

    #[test]
    fn no_lock_is_held_while_a_waker_is_cloned() {
        let (queue, clones) = (Arc::new(Queue::<()>::new()), Arc::new(AtomicUsize::new(0)));
        let (seen, counted) = (Arc::clone(&queue), Arc::clone(&clones));
        queue.begin();
        let waker = calling_when_cloned(move || {
            assert!(seen.state.try_lock().is_ok(), "the lock is held");
            counted.fetch_add(1, Ordering::Relaxed);
        });
        assert!(queue.poll_drained(&mut Context::from_waker(&waker), &mut None).is_pending());
        assert_eq!(clones.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn all_are_woken_though_one_waker_panics() {
        struct Counts(AtomicUsize);
        impl Wake for Counts {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let queue = Queue::<()>::new();
        let counts = Arc::new(Counts(AtomicUsize::new(0)));
        queue.begin();
        for waker in [panicking(), Arc::clone(&counts).into(), panicking()] {
            let _ = queue.poll_drained(&mut Context::from_waker(&waker), &mut None);
        }
        queue.end(Location::caller());
        assert_eq!(counts.0.load(Ordering::Relaxed), 1);
    }
}
