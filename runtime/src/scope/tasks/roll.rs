//! Who is in a scope of tasks, what became of them, and whether one can still come in.
//!
//! All under one lock, so that who comes in while the scope is closing is either waited for or turned
//! away. It is closed when its children are aborted, when they have all ended, and when its future is
//! dropped.

use std::any::Any;
use std::future::Future;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

use super::children::{Children, Entry, Key};
use super::error::{ChildFailure, Closed};
use crate::scope::Name;
use crate::sync::{Mutex, MutexGuard};
use crate::wakers::{contained, wake};

pub(in crate::scope) type Payload = Box<dyn Any + Send>;

/// A child or the body, as events and errors name it.
#[derive(Clone)]
pub(in crate::scope) struct Site {
    pub(in crate::scope) name: Option<Name>,
    pub(in crate::scope) location: &'static Location<'static>,
}

impl Site {
    /// The body of a scope that was made there.
    pub(in crate::scope) fn body(location: &'static Location<'static>) -> Self {
        Self { name: Some(Name::from("<body>")), location }
    }

    pub(in crate::scope) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("<unnamed>")
    }
}

/// A child whose handle is gone, and whose result is on its way.
pub(super) type Orphan = Pin<Box<dyn Future<Output = Option<Payload>> + Send>>;

/// What aborts a task.
pub(super) trait Abort {
    fn abort(&self);
}

/// The children, which `A` aborts. While `P` lives, somebody waits for those of a scope that was dropped.
pub(super) struct Roll<A, P> {
    state: Mutex<State<A, P>>,
    /// Where the scope was made.
    location: &'static Location<'static>,
}

struct State<A, P> {
    children: Children<A>,
    /// Children are aborted, and none comes any more.
    stopped: bool,
    /// The scope's future is gone: what fails now is reported at once.
    left: Option<Left<P>>,
    /// The task that the scope waits in.
    waker: Option<Waker>,
    orphans: Vec<(Site, Orphan)>,
    /// In the order of their time; nobody has taken them.
    panics: Vec<(Site, Payload)>,
    /// Children that returned `Err`, whose handles nobody has awaited.
    failures: Vec<(Key, ChildFailure)>,
}

/// What the task waits for that awaits a scope.
pub(in crate::scope) const SCOPE: &str = "<scope>";

/// How the scope's future went.
enum Left<P> {
    Ended,
    /// Dropped before its children had ended.
    Dropped(Option<P>),
}

/// What a scope leaves behind whose future is dropped.
pub(super) struct Remains {
    pub(super) orphans: Vec<(Site, Orphan)>,
    pub(super) panics: Vec<(Site, Payload)>,
}

impl<A: Abort, P> Roll<A, P> {
    pub(super) fn new(location: &'static Location<'static>) -> Self {
        let state = State {
            children: Children::new(),
            stopped: false,
            left: None,
            waker: None,
            orphans: Vec::new(),
            panics: Vec::new(),
            failures: Vec::new(),
        };
        Self { state: Mutex::new(state), location }
    }

    /// Lists a child that is about to be spawned, unless the scope is closed.
    pub(super) fn enter(&self, entry: Entry<A>) -> Result<Key, Closed> {
        let mut state = self.state();
        if state.stopped || state.left.is_some() {
            return Err(Closed);
        }
        Ok(state.children.insert(entry))
    }

    /// The child was spawned. If the scope was closed meanwhile, it is aborted.
    pub(super) fn spawned(&self, key: Key, abort: A) {
        let mut state = self.state();
        if state.stopped {
            drop(state);
            abort.abort();
        } else if let Some(entry) = state.children.get_mut(key) {
            entry.abort = Some(abort);
        }
    }

    /// Aborts all children; none comes any more.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        let aborts = state.children.take_aborts();
        drop(state);
        aborts.iter().for_each(Abort::abort);
    }

    /// The child, and all that it owned, is gone.
    pub(super) fn ended(&self, key: Key) {
        let mut state = self.state();
        state.children.remove(key);
        if !state.children.is_empty() {
            return;
        }
        let pending = match &mut state.left {
            Some(Left::Dropped(pending)) => pending.take(),
            _ => None,
        };
        let waker = state.waker.take();
        drop(state);
        drop(pending);
        self.wake(waker);
    }

    /// Whether the result goes to a handle; if so, it is on its way from now on.
    pub(super) fn deliver(&self, key: Key) -> bool {
        let mut state = self.state();
        let Some(entry) = state.children.get_mut(key) else { return false };
        entry.delivering = !entry.handle_gone;
        entry.delivering
    }

    /// The handle is gone. Gives whether the result is on its way to it, or there.
    pub(super) fn handle_gone(&self, key: Key) -> bool {
        let mut state = self.state();
        let Some(entry) = state.children.get_mut(key) else { return true };
        entry.handle_gone = true;
        entry.delivering
    }

    /// A result that nobody will take, still on its way. Given back if the scope does not wait any more.
    pub(super) fn orphan(&self, site: Site, orphan: Orphan) -> Option<(Site, Orphan)> {
        let mut state = self.state();
        if state.left.is_some() {
            return Some((site, orphan));
        }
        state.orphans.push((site, orphan));
        let waker = state.waker.take();
        drop(state);
        self.wake(waker);
        None
    }

    /// A child returned an error.
    pub(super) fn failed(&self, key: Key, failure: ChildFailure) {
        self.state().failures.push((key, failure));
    }

    /// The result was taken through the handle.
    pub(super) fn taken(&self, key: Key) {
        let mut state = self.state();
        if !state.failures.is_empty() {
            state.failures.retain(|(failed, _)| *failed != key);
        }
    }

    /// A panic that nobody takes. Given back if the scope does not wait any more.
    pub(super) fn panicked(&self, site: Site, payload: Payload) -> Option<(Site, Payload)> {
        let mut state = self.state();
        if state.left.is_some() {
            return Some((site, payload));
        }
        state.panics.push((site, payload));
        None
    }

    /// Waits until no child is left; then the scope is closed.
    pub(super) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut waiting = Vec::new();
        // Before the lock: it may be anybody's code.
        let waker = cx.waker().clone();
        let mut state = loop {
            let mut state = self.state();
            if state.orphans.is_empty() {
                break state;
            }
            // Also those that came while the others were polled: nobody else has asked them to wake us.
            let mut orphans = mem::take(&mut state.orphans);
            drop(state);
            orphans.retain_mut(|(site, orphan)| match orphan.as_mut().poll(cx) {
                Poll::Pending => true,
                Poll::Ready(payload) => {
                    if let Some(payload) = payload {
                        self.state().panics.push((site.clone(), payload));
                    }
                    false
                }
            });
            waiting.append(&mut orphans);
        };
        state.orphans = waiting;
        if state.children.is_empty() && state.orphans.is_empty() {
            state.left = Some(Left::Ended);
            return Poll::Ready(());
        }
        let before = state.waker.replace(waker);
        drop(state);
        contained(SCOPE, self.location, || drop(before));
        Poll::Pending
    }

    /// What is left at the end, first the panic to be resumed.
    pub(super) fn take_failures(&self) -> (Vec<(Site, Payload)>, Vec<ChildFailure>) {
        let mut state = self.state();
        let failures = mem::take(&mut state.failures);
        (mem::take(&mut state.panics), failures.into_iter().map(|(_, failure)| failure).collect())
    }

    /// The scope's future is dropped: children are aborted, and what `pending` makes lives until the
    /// last one has ended. `None` if the scope has ended before.
    pub(super) fn abandon(&self, pending: impl FnOnce() -> P) -> Option<Remains> {
        let mut state = self.state();
        if state.left.is_some() {
            return None;
        }
        let pending = (!state.children.is_empty()).then(pending);
        state.left = Some(Left::Dropped(pending));
        let orphans = mem::take(&mut state.orphans);
        let panics = mem::take(&mut state.panics);
        drop(state);
        self.stop();
        Some(Remains { orphans, panics })
    }

    /// The children that have not ended and were spawned since somebody watches.
    #[cfg(all(feature = "process", unix))]
    pub(super) fn live(&self) -> Vec<super::live::Live> {
        self.state().children.live().collect()
    }

    /// Held over none of the user's code, so never poisoned; `into_inner` for form's sake.
    fn state(&self) -> MutexGuard<'_, State<A, P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, waker: Option<Waker>) {
        wake(waker, SCOPE, self.location);
    }
}

impl<A, P> Drop for Roll<A, P> {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let waker = state.waker.take();
        contained(SCOPE, self.location, || drop(waker));
    }
}

#[cfg(all(test, backstop_loom))]
mod model;

#[cfg(all(test, not(backstop_loom)))]
mod tests {
    use std::future::ready;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::wakers::tests::{calling_when_cloned, panicking};

    impl Abort for () {
        fn abort(&self) {}
    }

    fn roll() -> Arc<Roll<(), ()>> {
        let roll = Arc::new(Roll::new(Location::caller()));
        assert!(roll.enter(Entry::default()).is_ok());
        roll
    }

    #[test]
    fn no_lock_is_held_while_a_waker_is_cloned() {
        let (roll, clones) = (roll(), Arc::new(AtomicUsize::new(0)));
        let (seen, counted) = (Arc::clone(&roll), Arc::clone(&clones));
        let waker = calling_when_cloned(move || {
            assert!(seen.state.try_lock().is_ok(), "the lock is held");
            counted.fetch_add(1, Ordering::Relaxed);
        });
        assert!(roll.poll_ended(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(clones.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_result_on_its_way_is_the_scopes_though_its_waker_panics() {
        let roll = roll();
        let waker = panicking();
        assert!(roll.poll_ended(&mut Context::from_waker(&waker)).is_pending());
        let payload: Payload = Box::new("of the orphan");
        let orphan = Box::pin(ready(Some(payload)));
        assert!(roll.orphan(Site::body(Location::caller()), orphan).is_none());
        assert!(roll.poll_ended(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(roll.take_failures().0.len(), 1);
    }
}
