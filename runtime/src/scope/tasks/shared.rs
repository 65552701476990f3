//! What a scope of tasks and its children know in common.

use std::any::Any;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::children::{Children, Key};
use super::error::{ChildFailure, FailureKind};
use crate::cleanup_runtime::Pending;
use crate::event::{self, Event, EventKind};
use crate::scope::{Name, OnFailure, Options};
use crate::{CancelCause, CancelToken, Outcome};

pub(in crate::scope) type Payload = Box<dyn Any + Send>;

/// A child or the body, as events and errors name it.
#[derive(Clone)]
pub(in crate::scope) struct Site {
    pub(in crate::scope) name: Option<Name>,
    pub(in crate::scope) location: &'static Location<'static>,
}

/// A child whose handle is gone, and whose result is on its way.
type Orphan = Pin<Box<dyn Future<Output = Option<Payload>> + Send>>;

pub(super) struct Shared {
    /// Where the scope was made.
    location: &'static Location<'static>,
    token: CancelToken,
    on_failure: OnFailure,
    /// Of children that have none of their own.
    pub(super) name: Option<Name>,
    pub(super) limit: Option<Arc<Semaphore>>,
    pub(super) runtime: Handle,
    state: Mutex<State>,
    #[cfg(all(feature = "process", unix))]
    _listed: super::live::Listed,
}

#[derive(Default)]
struct State {
    children: Children,
    /// Children are aborted, and those that come are, too.
    stopped: bool,
    /// The scope's future is gone: what fails now is reported at once.
    left: Option<Left>,
    /// The task that the scope waits in.
    waker: Option<Waker>,
    orphans: Vec<(Site, Orphan)>,
    /// In the order of their time; nobody has taken them.
    panics: Vec<(Site, Payload)>,
    /// Children that returned `Err`, whose handles nobody has awaited.
    failures: Vec<(Key, ChildFailure)>,
}

/// How the scope's future went.
enum Left {
    Ended,
    /// Dropped before its children had ended.
    Dropped(#[allow(dead_code, reason = "counts until it is dropped")] Option<Pending>),
}

impl Shared {
    pub(super) fn new(
        location: &'static Location<'static>,
        options: &Options,
        runtime: Handle,
    ) -> Arc<Self> {
        #[cfg_attr(
            not(all(feature = "process", unix)),
            allow(unused_variables, reason = "nobody lists the scopes")
        )]
        Arc::new_cyclic(|this| Self {
            location,
            token: options.token(),
            on_failure: options.on_failure,
            name: options.name.clone(),
            limit: options.limit.map(|limit| Arc::new(Semaphore::new(limit.get()))),
            runtime,
            state: Mutex::default(),
            #[cfg(all(feature = "process", unix))]
            _listed: super::live::list(this.clone()),
        })
    }

    pub(super) fn token(&self) -> &CancelToken {
        &self.token
    }

    /// Lists a child that is about to be spawned.
    #[cfg_attr(
        not(all(feature = "process", unix)),
        allow(unused_variables, reason = "for the report of what did not end")
    )]
    pub(super) fn reserve(&self, site: &Site, is_blocking: bool) -> Key {
        #[cfg(all(feature = "process", unix))]
        if super::live::is_watched() {
            let live = Box::new(super::live::Live::new(site, is_blocking));
            let mut state = self.state();
            let key = state.children.insert();
            if let Some(entry) = state.children.get_mut(key) {
                entry.live = Some(live);
            }
            return key;
        }
        self.state().children.insert()
    }

    /// The children that have not ended and were spawned since somebody watches.
    #[cfg(all(feature = "process", unix))]
    pub(super) fn live(&self) -> Vec<super::live::Live> {
        self.state().children.live().collect()
    }

    /// Whether a child would run.
    pub(super) fn is_open(&self) -> bool {
        let state = self.state();
        !state.stopped && state.left.is_none()
    }

    /// The child was spawned. In a scope that is closing it is aborted before it begins.
    pub(super) fn spawned(&self, key: Key, abort: AbortHandle) {
        let mut state = self.state();
        if state.stopped || state.left.is_some() {
            drop(state);
            abort.abort();
        } else if let Some(entry) = state.children.get_mut(key) {
            entry.abort = Some(abort);
        }
    }

    /// Aborts all children, and those to come.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        let aborts = state.children.take_aborts();
        drop(state);
        aborts.iter().for_each(AbortHandle::abort);
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
        if let Some(waker) = waker {
            waker.wake();
        }
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

    /// A result that nobody will take, still on its way.
    pub(super) fn orphan(&self, site: Site, orphan: Orphan) {
        let mut state = self.state();
        if state.left.is_none() {
            state.orphans.push((site, orphan));
            let waker = state.waker.take();
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// The result was taken through the handle.
    pub(super) fn taken(&self, key: Key) {
        let mut state = self.state();
        if !state.failures.is_empty() {
            state.failures.retain(|(failed, _)| *failed != key);
        }
    }

    /// A child returned an error.
    pub(super) fn returned_error(&self, key: Key, site: Site, message: String) {
        let failure = ChildFailure::new(site, FailureKind::Failed, message);
        self.state().failures.push((key, failure));
        self.failed();
    }

    /// A panic that nobody takes.
    pub(super) fn panicked(&self, site: Site, payload: Payload) {
        let mut state = self.state();
        if state.left.is_none() {
            state.panics.push((site, payload));
        } else {
            drop(state);
            report(&site, payload);
        }
    }

    /// A child failed, or the body did.
    pub(super) fn failed(&self) {
        if self.on_failure == OnFailure::Cancel {
            self.token.cancel_with(CancelCause::SiblingFailed);
        }
    }

    /// Drops what nobody wants; a panic of its destructor is one of the child's.
    pub(super) fn discard<T>(&self, site: &Site, value: T) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
            self.panicked(site.clone(), payload);
            self.failed();
        }
    }

    /// Waits until no child is left; then the scope is closed.
    pub(super) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut orphans = mem::take(&mut self.state().orphans);
        orphans.retain_mut(|(site, orphan)| match orphan.as_mut().poll(cx) {
            Poll::Pending => true,
            Poll::Ready(payload) => {
                if let Some(payload) = payload {
                    self.panicked(site.clone(), payload);
                }
                false
            }
        });
        let mut state = self.state();
        state.orphans.append(&mut orphans);
        if state.children.is_empty() && state.orphans.is_empty() {
            state.left = Some(Left::Ended);
            return Poll::Ready(());
        }
        let before = state.waker.replace(cx.waker().clone());
        drop(state);
        drop(before);
        Poll::Pending
    }

    /// What is left at the end, first the panic to be resumed.
    pub(super) fn take_failures(&self) -> (Vec<(Site, Payload)>, Vec<ChildFailure>) {
        let mut state = self.state();
        let failures = mem::take(&mut state.failures);
        (mem::take(&mut state.panics), failures.into_iter().map(|(_, failure)| failure).collect())
    }

    /// The scope's future is dropped: children are aborted, and `drain` waits for them.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        if state.left.is_some() {
            return;
        }
        let pending = (!state.children.is_empty()).then(|| Pending::scope(self.location));
        state.left = Some(Left::Dropped(pending));
        let orphans = mem::take(&mut state.orphans);
        let panics = mem::take(&mut state.panics);
        drop(state);
        drop(orphans);
        self.stop();
        for (site, payload) in panics {
            report(&site, payload);
        }
    }

    /// Held over none of the user's code, so never poisoned; `into_inner` for form's sake.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the observer of a panic that nobody resumes, and drops the payload.
#[cold]
pub(in crate::scope) fn report(site: &Site, payload: Payload) {
    if event::is_exit(&*payload) {
        return event::discard(payload);
    }
    let name = site.name.as_deref().unwrap_or("<unnamed>");
    let message = event::panic_message(&*payload);
    let kind = EventKind::ChildPanicked;
    event::emit(&Event::new(kind, name, site.location, Outcome::Unwind, message));
    event::discard(payload);
}
