//! Children that run on the task of the function that spawned them, and may borrow what it borrows.
//!
//! Nothing can outlive the function: its children are a part of its future. That is why they may borrow,
//! where tasks of a runtime may not: a future that is forgotten is not dropped, and neither are they.

mod children;
mod handle;
mod spawn;

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, PoisonError};
use std::task::Poll;

use self::children::{Children, Ready};
use self::handle::Ending;
use super::tasks::error::{ByDeadline, Closed};
use super::tasks::run::{Aborts, Body};
use super::tasks::shared::{Payload, Site, report};
use super::{Name, Options};
use crate::scope::OnFailure;
use crate::sync::{Mutex, MutexGuard};
use crate::{CancelCause, CancelToken};

pub use self::handle::{ChildError, LocalHandle};

/// What a child is, where it is `Send`: then the scope's future is, too.
pub type SendChild<'env> = dyn Future<Output = ()> + Send + 'env;

/// What a child is, where it need not be `Send`.
pub type AnyChild<'env> = dyn Future<Output = ()> + 'env;

/// A scope of children that run on one task; a handle, clones of which are the same scope.
///
/// Needs the feature `tokio`.
///
/// Made by [`Options::local`] and [`Options::local_any`]; [`run`](Self::run) runs it.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
///
/// use backstop::scope::Options;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let sum = Cell::new(0);
/// let add = async |n| sum.set(sum.get() + n);
/// let scope = Options::new().local_any();
/// let body = async {
///     for n in [1, 2, 3] {
///         scope.spawn(add(n));
///     }
/// };
/// scope.run(body).await; // and all children
/// assert_eq!(sum.get(), 6);
/// # });
/// ```
pub struct LocalScope<K: ?Sized> {
    shared: Arc<Shared<K>>,
}

struct Shared<K: ?Sized> {
    core: Arc<Core>,
    limit: usize,
    spawned: Mutex<Spawned<K>>,
}

/// Children on their way from who spawned them to who polls them.
struct Spawned<K: ?Sized> {
    children: Vec<Pin<Box<K>>>,
    /// They are dropped instead.
    is_closed: bool,
}

/// What a child knows of its scope.
struct Core {
    token: CancelToken,
    on_failure: OnFailure,
    name: Option<Name>,
    /// Where the scope was made.
    location: &'static Location<'static>,
    ready: Arc<Ready>,
    panics: Mutex<Panics>,
}

/// Panics of children that nobody has taken.
#[derive(Default)]
struct Panics {
    /// In the order of their time.
    kept: Vec<(Site, Payload)>,
    /// Whether the scope has taken what there was: what comes now is reported at once.
    is_over: bool,
}

impl Core {
    /// Of what cannot be told to be a certain child's.
    fn site(&self) -> Site {
        Site { name: self.name.clone(), location: self.location }
    }

    fn failed(&self) {
        if self.on_failure == OnFailure::Cancel {
            self.token.cancel_at(CancelCause::SiblingFailed, self.location);
        }
    }

    fn panicked(&self, site: Site, payload: Payload) {
        let mut panics = self.panics();
        if panics.is_over {
            drop(panics);
            report(&site, payload);
        } else {
            panics.kept.push((site, payload));
            drop(panics);
        }
        self.failed();
    }

    /// Takes what was kept, once and for all.
    fn take_panics(&self) -> Vec<(Site, Payload)> {
        let mut panics = self.panics();
        panics.is_over = true;
        std::mem::take(&mut panics.kept)
    }

    /// Held over none of the user's code, so never poisoned; `into_inner` for form's sake.
    fn panics(&self) -> MutexGuard<'_, Panics> {
        self.panics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Options {
    /// A scope of children that run on the task of its body, at its side, and may borrow what lives longer
    /// than the scope. They are `Send`, and so is the scope's future.
    ///
    /// Needs the feature `tokio`.
    ///
    /// # Examples
    ///
    /// ```
    /// use backstop::scope::Options;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let texts = vec![String::from("a"), String::from("bc")];
    /// let scope = Options::new().local();
    /// let lengths = scope.run(async {
    ///     let handles: Vec<_> =
    ///         texts.iter().map(|text| scope.spawn(async move { text.len() })).collect();
    ///     let mut lengths = 0;
    ///     for handle in handles {
    ///         lengths += handle.await.unwrap();
    ///     }
    ///     lengths
    /// });
    /// assert_eq!(lengths.await, 3);
    /// # });
    /// ```
    #[track_caller]
    #[must_use]
    pub fn local<'env>(self) -> LocalScope<SendChild<'env>> {
        LocalScope::new(&self)
    }

    /// The same for children that need not be `Send`.
    ///
    /// Needs the feature `tokio`.
    #[track_caller]
    #[must_use]
    pub fn local_any<'env>(self) -> LocalScope<AnyChild<'env>> {
        LocalScope::new(&self)
    }
}

impl<K: ?Sized> LocalScope<K> {
    #[track_caller]
    fn new(options: &Options) -> Self {
        let location = Location::caller();
        let core = Core {
            token: options.token(),
            on_failure: options.on_failure,
            name: options.name.clone(),
            location,
            ready: Arc::new(Ready::new(location)),
            panics: Mutex::default(),
        };
        let limit = options.limit.map_or(usize::MAX, std::num::NonZero::get);
        let spawned = Spawned { children: Vec::new(), is_closed: false };
        let shared = Shared { core: Arc::new(core), limit, spawned: Mutex::new(spawned) };
        Self { shared: Arc::new(shared) }
    }

    /// The scope's token, which is the [ambient one](crate::cancel_token) in its body and its children.
    #[must_use]
    pub fn cancel_token(&self) -> CancelToken {
        self.shared.core.token.clone()
    }

    /// A child's future, which says to the handle how it ended, whatever that be.
    fn child<F: Future>(
        &self,
        location: &'static Location<'static>,
        failed: fn(&F::Output) -> bool,
        future: F,
    ) -> (impl Future<Output = ()> + use<F, K>, LocalHandle<F::Output>) {
        let core = Arc::clone(&self.shared.core);
        let site = Site { name: core.name.clone(), location };
        let (ending, handle) = Ending::new(&core, &site);
        let future = core.token.in_scope(future);
        let child = async move {
            let result = {
                let mut future = pin!(future);
                let result = poll_fn(|cx| {
                    match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
                        Ok(polled) => polled.map(Ok),
                        Err(payload) => Poll::Ready(Err(payload)),
                    }
                })
                .await;
                // What it owned goes before anybody hears of its end, and may panic in turn.
                let end = AssertUnwindSafe(|| future.as_mut().end());
                if let Err(second) = catch_unwind(end) {
                    core.panicked(site.clone(), second);
                }
                result
            };
            match result {
                Ok(value) => {
                    if failed(&value) {
                        core.failed();
                    }
                    if let Some(unwanted) = ending.end(Ok(value)) {
                        let dropped = catch_unwind(AssertUnwindSafe(|| drop(unwanted)));
                        if let Err(payload) = dropped {
                            core.panicked(site, payload);
                        }
                    }
                }
                Err(payload) => match ending.end(Err(ChildError::panicked(payload))) {
                    Some(Err(unwanted)) => {
                        if let Some(payload) = unwanted.into_payload() {
                            core.panicked(site, payload);
                        }
                    }
                    Some(Ok(_)) | None => core.failed(),
                },
            }
        };
        (child, handle)
    }
}

impl<K: ?Sized> Shared<K> {
    /// Takes a child in, unless the scope is closed.
    fn push(&self, child: Pin<Box<K>>) -> Result<(), Closed> {
        let mut spawned = self.spawned();
        if spawned.is_closed {
            drop(spawned);
            self.end(child);
            return Err(Closed);
        }
        spawned.children.push(child);
        drop(spawned);
        self.core.ready.wake();
        Ok(())
    }

    /// Takes as many as there is room for.
    fn take(&self, room: usize) -> Vec<Pin<Box<K>>> {
        let children = &mut self.spawned().children;
        let count = children.len().min(room);
        children.drain(..count).collect()
    }

    fn is_empty(&self) -> bool {
        self.spawned().children.is_empty()
    }

    /// Drops those that have not begun, and those to come.
    fn close(&self) {
        let mut spawned = self.spawned();
        spawned.is_closed = true;
        let children = std::mem::take(&mut spawned.children);
        drop(spawned);
        for child in children {
            self.end(child);
        }
    }

    /// Nobody will resume them.
    fn report_panics(&self) {
        for (site, payload) in self.core.take_panics() {
            report(&site, payload);
        }
    }

    /// Drops a child; its cleanups run.
    fn end(&self, child: Pin<Box<K>>) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(child))) {
            self.core.panicked(self.core.site(), payload);
        }
    }

    /// Held over none of the user's code, so never poisoned; `into_inner` for form's sake.
    fn spawned(&self) -> MutexGuard<'_, Spawned<K>> {
        self.spawned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: ?Sized + Future<Output = ()>> LocalScope<K> {
    /// Runs a body at the side of the children that it spawns, and ends after all of them have ended.
    ///
    /// What ends them, and what becomes of panics, is as in [`tokio`](fn@super::tokio): for the causes
    /// `SiblingFailed`, `Deadline` and `Shutdown { immediate: true }` they are dropped, and so they are
    /// where this future is dropped. It runs on any executor, and once.
    ///
    /// # Panics
    ///
    /// With the first panic of the body or of a child whose handle nobody has awaited.
    pub async fn run<B: Future>(&self, body: B) -> B::Output {
        let (value, _) = self.course(body, |_| false).await;
        self.ended(value).unwrap_or_else(|| unreachable!("a body that was not stopped has a value"))
    }

    /// The same; when the deadline passes, the body is dropped as the children are.
    #[doc(hidden)]
    pub async fn run_until_deadline<B: Future>(
        &self,
        by_deadline: ByDeadline<B::Output>,
        body: B,
    ) -> B::Output {
        let (value, is_cut) = self.course(body, |cause| cause == CancelCause::Deadline).await;
        by_deadline(self.ended(value), is_cut)
    }

    /// Runs the body and all children. A cause that `stops` takes drops the body; the second value says
    /// whether it cut off children that the body had left.
    async fn course<B: Future>(
        &self,
        body: B,
        stops: fn(CancelCause) -> bool,
    ) -> (Body<B::Output>, bool) {
        let shared = &*self.shared;
        let core = &*shared.core;
        // Dropped in this order backwards: first the body, then those that it spawned.
        let mut closing = Closing { shared, is_complete: false };
        let mut children = Children::new(shared);
        let mut aborts = pin!(Aborts::new(&core.token));
        let mut body = pin!(core.token.in_scope(body));
        let (mut ended, mut is_cut) = (None, false);
        let value = poll_fn(|cx| {
            let cause = aborts.as_mut().poll(cx);
            if let Some(cause) = cause {
                is_cut = ended.is_some() && stops(cause);
                children.end();
                shared.close();
            }
            if ended.is_none() {
                ended = if cause.is_some_and(stops) {
                    Some(Body::Stopped)
                } else {
                    match catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(cx))) {
                        Ok(Poll::Pending) => None,
                        Ok(Poll::Ready(value)) => Some(Body::Ended(value)),
                        Err(payload) => Some(Body::Panicked(payload)),
                    }
                };
                if ended.is_some() {
                    // Its cleanups run before anybody waits for the children.
                    let end = AssertUnwindSafe(|| body.as_mut().end());
                    if let Err(payload) = catch_unwind(end) {
                        ended = Some(Body::Panicked(payload));
                    }
                    if matches!(ended, Some(Body::Panicked(_))) {
                        core.failed();
                    }
                }
            }
            children.poll(cx, shared.limit);
            if !children.is_empty() || !shared.is_empty() {
                return Poll::Pending;
            }
            ended.take().map_or(Poll::Pending, Poll::Ready)
        })
        .await;
        closing.is_complete = true;
        (value, is_cut)
    }

    /// The value of a body, unless it was stopped or a panic goes on.
    fn ended<T>(&self, body: Body<T>) -> Option<T> {
        let mut panics = self.shared.core.take_panics().into_iter();
        let (value, first) = match body {
            Body::Panicked(payload) => (None, Some(payload)),
            Body::Ended(value) => (Some(value), panics.next().map(|(_, payload)| payload)),
            Body::Stopped => (None, panics.next().map(|(_, payload)| payload)),
        };
        let Some(first) = first else { return value };
        panics.for_each(|(site, payload)| report(&site, payload));
        // The value goes first: its destructor may panic, too.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
            report(&Site::body(self.shared.core.location), payload);
        }
        resume_unwind(first)
    }
}

/// Closes a scope whose future ends or is dropped.
struct Closing<'a, K: ?Sized> {
    shared: &'a Shared<K>,
    is_complete: bool,
}

impl<K: ?Sized> Drop for Closing<'_, K> {
    fn drop(&mut self) {
        self.shared.close();
        if !self.is_complete {
            self.shared.report_panics();
        }
    }
}

/// Of a scope that was never run, the children that were spawned are still there.
impl<K: ?Sized> Drop for Shared<K> {
    fn drop(&mut self) {
        self.close();
        self.report_panics();
    }
}

impl<K: ?Sized> Clone for LocalScope<K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<K: ?Sized> fmt::Debug for LocalScope<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalScope").field("token", &self.shared.core.token).finish_non_exhaustive()
    }
}

#[cfg(all(test, backstop_loom))]
mod model;
