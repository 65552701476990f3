//! The children that have begun, and which of them are to be polled.

use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::Shared;
use crate::scope::tasks::shared::SCOPE;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard};
use crate::wakers::contained;

/// Who is to be polled, and the task that polls.
pub(super) struct Ready {
    queue: Mutex<Queue>,
    /// Where the scope was made.
    location: &'static Location<'static>,
}

#[derive(Default)]
struct Queue {
    woken: Vec<usize>,
    /// Shared, for a waker's `clone` may be anybody's code, which is not to run under the lock.
    task: Option<Arc<Waker>>,
}

impl Ready {
    pub(super) fn new(location: &'static Location<'static>) -> Self {
        Self { queue: Mutex::default(), location }
    }

    /// Lets the scope be polled.
    pub(super) fn wake(&self) {
        let task = self.queue().task.clone();
        // Whoever wakes a child may do so in a destructor.
        contained(SCOPE, self.location, || {
            if let Some(task) = task {
                task.wake_by_ref();
            }
        });
    }

    fn is_polled_by(&self, task: &Waker) {
        if self.queue().task.as_ref().is_some_and(|known| known.will_wake(task)) {
            return;
        }
        let task = Arc::new(task.clone());
        let before = self.queue().task.replace(task);
        contained(SCOPE, self.location, || drop(before));
    }

    /// Held over none of the user's code, so never poisoned; `into_inner` for form's sake.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        let queue = self.queue.get_mut().unwrap_or_else(PoisonError::into_inner);
        let task = queue.task.take();
        contained(SCOPE, self.location, || drop(task));
    }
}

/// Wakes one child.
struct Place {
    ready: Arc<Ready>,
    index: usize,
    is_woken: AtomicBool,
}

impl Wake for Place {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            self.ready.queue().woken.push(self.index);
            self.ready.wake();
        }
    }
}

type Begun<K> = (Pin<Box<K>>, Arc<Place>);

/// The children that have begun. Each is polled when it was woken, and not with every other.
pub(super) struct Children<'a, K: ?Sized> {
    shared: &'a Shared<K>,
    places: Vec<Option<Begun<K>>>,
    free: Vec<usize>,
}

impl<'a, K: ?Sized> Children<'a, K> {
    pub(super) fn new(shared: &'a Shared<K>) -> Self {
        Self { shared, places: Vec::new(), free: Vec::new() }
    }

    fn count(&self) -> usize {
        self.places.len() - self.free.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    fn begin(&mut self, child: Pin<Box<K>>) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        let ready = Arc::clone(&self.shared.core.ready);
        ready.queue().woken.push(index);
        let place = Place { ready, index, is_woken: AtomicBool::new(true) };
        self.places[index] = Some((child, Arc::new(place)));
    }

    fn remove(&mut self, index: usize) {
        if let Some((child, _)) = self.places.get_mut(index).and_then(Option::take) {
            self.free.push(index);
            self.shared.end(child);
        }
    }

    /// Drops them all; their cleanups run.
    pub(super) fn end(&mut self) {
        (0..self.places.len()).for_each(|index| self.remove(index));
    }
}

impl<K: ?Sized + Future<Output = ()>> Children<'_, K> {
    /// Polls those that were woken, new ones among them, of which it begins no more than make `limit` in
    /// all.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, limit: usize) {
        let ready = Arc::clone(&self.shared.core.ready);
        ready.is_polled_by(cx.waker());
        for child in self.shared.take(limit - self.count()) {
            self.begin(child);
        }
        let woken = mem::take(&mut ready.queue().woken);
        for index in woken {
            let Some(Some((child, place))) = self.places.get_mut(index) else { continue };
            // Before it is polled: who wakes it meanwhile wakes it for the next time. And not merely
            // stored, so that what came before a wake that found it woken is seen now.
            place.is_woken.swap(false, Ordering::AcqRel);
            let waker = Waker::from(Arc::clone(place));
            let mut cx = Context::from_waker(&waker);
            match catch_unwind(AssertUnwindSafe(|| child.as_mut().poll(&mut cx))) {
                Ok(Poll::Pending) => {}
                Ok(Poll::Ready(())) => self.remove(index),
                Err(payload) => {
                    self.shared.core.panicked(self.shared.core.site(), payload);
                    self.remove(index);
                }
            }
        }
        if self.count() < limit && !self.shared.is_empty() {
            cx.waker().wake_by_ref();
        }
    }
}

impl<K: ?Sized> Drop for Children<'_, K> {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(all(test, not(backstop_loom)))]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::wakers::tests::calling_when_cloned;

    #[test]
    fn no_lock_is_held_while_a_waker_is_cloned_and_who_wakes_clones_none() {
        let (ready, clones) =
            (Arc::new(Ready::new(Location::caller())), Arc::new(AtomicUsize::new(0)));
        let (seen, counted) = (Arc::clone(&ready), Arc::clone(&clones));
        let waker = calling_when_cloned(move || {
            assert!(seen.queue.try_lock().is_ok(), "the lock is held");
            counted.fetch_add(1, Ordering::Relaxed);
        });
        ready.is_polled_by(&waker);
        ready.is_polled_by(&waker);
        ready.wake();
        assert_eq!(clones.load(Ordering::Relaxed), 1);
    }
}
