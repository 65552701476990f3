//! Tasks of a tokio runtime that end before the function that spawned them returns.

mod children;
pub(crate) mod error;
mod handle;
#[cfg(all(feature = "process", unix))]
pub(crate) mod live;
mod roll;
pub(super) mod run;
pub(super) mod shared;

use std::fmt::{self, Display};
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::tokio::sync::{AcquireError, OwnedSemaphorePermit};
use pin_project_lite::pin_project;

use self::children::Key;
use self::shared::{Payload, Shared, Site};
use super::Name;
use crate::{CancelToken, InScope, event};

pub use self::error::{ChildFailure, Closed, DeadlineExceeded, FailureKind, ScopeError};
pub use self::handle::TaskHandle;
pub use self::run::tokio;

/// A scope to spawn tasks in; a handle, clones of which are the same scope. See [`tokio`](fn@tokio).
///
/// Needs the feature `tokio`.
#[derive(Clone)]
pub struct TaskScope {
    shared: Arc<Shared>,
}

impl TaskScope {
    /// Spawns a task. The line of the call is its identity in events.
    ///
    /// The task is `Send` and owns what it needs, as with [`tokio::spawn`](::tokio::spawn); the scope's
    /// token is the [ambient one](crate::cancel_token) in it. The handle may be dropped.
    ///
    /// In a scope that is closing, the task is dropped before it begins, and the handle says that it was
    /// cancelled; [`try_spawn`](Self::try_spawn) says so at once.
    ///
    /// # Examples
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let sum = backstop::scope::tokio(|s| async move {
    ///     let one = s.spawn(async { 1 });
    ///     let two = s.spawn(async { 2 });
    ///     one.await.unwrap() + two.await.unwrap()
    /// });
    /// assert_eq!(sum.await, 3);
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> TaskHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.task().spawn(future)
    }

    /// Spawns a task, unless the scope is closing.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the scope does not take children any more; the future is dropped.
    #[track_caller]
    pub fn try_spawn<F>(&self, future: F) -> Result<TaskHandle<F::Output>, Closed>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let future = self.shared.token().in_scope(future);
        match self.task().child(Location::caller(), false) {
            Ok(child) => Ok(child.spawn(|_| None, future)),
            Err((shared, site)) => {
                shared.discard(&site, future);
                Err(Closed)
            }
        }
    }

    /// Spawns a task that can fail: an `Err` cancels the scope's token as a panic does. The value goes to
    /// the handle either way.
    #[track_caller]
    pub fn spawn_fallible<F, T, E>(&self, future: F) -> TaskHandle<Result<T, E>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Display + Send + 'static,
    {
        self.task().spawn_fallible(future)
    }

    /// Runs a closure on a thread for blocking work. It cannot be cancelled once it has begun: the scope
    /// waits for it, whatever happens. The scope's token is the ambient one in it.
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, f: F) -> TaskHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.task().spawn_blocking(f)
    }

    /// A task to be, that can be given a name before it is spawned.
    ///
    /// # Examples
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// backstop::scope::tokio(|s| async move {
    ///     s.task().name("indexer").spawn(async { println!("indexing") });
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn task(&self) -> Task<'_> {
        Task { scope: self, name: None }
    }

    /// What `tokio::task::Builder::new()` becomes under `#[scoped_spawn]`.
    #[doc(hidden)]
    pub fn builder(&self) -> TaskBuilder<'_> {
        TaskBuilder(self.task())
    }

    /// The scope's token, which is the [ambient one](crate::cancel_token) in its body and its children.
    #[must_use]
    pub fn cancel_token(&self) -> CancelToken {
        self.shared.token().clone()
    }
}

impl fmt::Debug for TaskScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskScope").field("token", self.shared.token()).finish_non_exhaustive()
    }
}

/// A task to be: made by [`TaskScope::task`].
///
/// Needs the feature `tokio`.
#[must_use = "a task does nothing until `spawn`"]
#[derive(Debug)]
pub struct Task<'a> {
    scope: &'a TaskScope,
    name: Option<Name>,
}

impl Task<'_> {
    /// The task's name in events and errors.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Spawns the task; see [`TaskScope::spawn`].
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> TaskHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.launch(|_| None, future)
    }

    /// Spawns the task as one that can fail; see [`TaskScope::spawn_fallible`].
    #[track_caller]
    pub fn spawn_fallible<F, T, E>(self, future: F) -> TaskHandle<Result<T, E>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Display + Send + 'static,
    {
        self.launch(|value| value.as_ref().err().map(shown), future)
    }

    /// Runs a closure on a thread for blocking work; see [`TaskScope::spawn_blocking`].
    #[track_caller]
    pub fn spawn_blocking<F, T>(self, f: F) -> TaskHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let child = match self.child(Location::caller(), true) {
            Ok(child) => child,
            Err((shared, site)) => return refuse(shared, site, f),
        };
        let (key, site, shared) = (child.key, child.site.clone(), Arc::clone(&child.shared));
        let (runtime, limit) = (shared.runtime.clone(), shared.limit.clone());
        let queued = Queued(Some((f, child)));
        let task = shared.runtime.spawn_blocking(move || {
            let permit = limit.map(|limit| runtime.block_on(limit.acquire_owned()));
            let (f, child) = queued.begin()?;
            let result = {
                let _ambient = child.shared.token().enter();
                catch_unwind(AssertUnwindSafe(f))
            };
            drop(permit);
            child.result(|_| None, result)
        });
        shared.roll.spawned(key, task.abort_handle());
        TaskHandle::new(task, shared, key, site)
    }

    #[track_caller]
    fn launch<F>(self, failed: fn(&F::Output) -> Option<String>, future: F) -> TaskHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let future = self.scope.shared.token().in_scope(future);
        match self.child(Location::caller(), false) {
            Ok(child) => child.spawn(failed, future),
            Err((shared, site)) => refuse(shared, site, future),
        }
    }

    /// The child to be; an `Err` if the scope is closed.
    fn child(
        self,
        location: &'static Location<'static>,
        is_blocking: bool,
    ) -> Result<Child, (Arc<Shared>, Site)> {
        let shared = Arc::clone(&self.scope.shared);
        let name = match self.name {
            Some(name) => Some(name),
            None => shared.name.clone(),
        };
        let site = Site { name, location };
        match shared.enter(&site, is_blocking) {
            Ok(key) => Ok(Child { shared, key, site }),
            Err(Closed) => Err((shared, site)),
        }
    }
}

/// The message of an error. What shows it is the user's: one that panics is an error all the same.
fn shown(error: &impl Display) -> String {
    catch_unwind(AssertUnwindSafe(|| error.to_string())).unwrap_or_else(|payload| {
        let message = event::panic_message(&*payload);
        event::discard(payload);
        format!("<its `Display` panicked: {message}>")
    })
}

/// Drops what is not spawned, because the scope is closed. The handle is that of a task that was cancelled
/// before it began.
#[cold]
fn refuse<F, T: Send + 'static>(shared: Arc<Shared>, site: Site, task: F) -> TaskHandle<T> {
    shared.discard(&site, task);
    let task = shared.runtime.spawn(std::future::pending());
    task.abort();
    TaskHandle::new(task, shared, Key::NONE, site)
}

/// A task to be, as `tokio::task::Builder` has it: what that becomes under
/// [`#[scoped_spawn]`](crate::scoped_spawn). It does not need `tokio_unstable`.
///
/// Needs the feature `tokio`.
///
/// # Examples
///
/// ```
/// use std::io;
///
/// use backstop::scoped_spawn;
///
/// #[scoped_spawn]
/// async fn index() -> io::Result<()> {
///     tokio::task::Builder::new().name("indexer").spawn(async { println!("indexing") })?;
///     Ok(())
/// } // waits for the task
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(index())?;
/// # Ok::<(), io::Error>(())
/// ```
#[must_use = "a task does nothing until `spawn`"]
#[derive(Debug)]
pub struct TaskBuilder<'a>(Task<'a>);

impl TaskBuilder<'_> {
    /// The task's name in events and errors.
    pub fn name(self, name: &str) -> Self {
        Self(self.0.name(Arc::<str>::from(name)))
    }

    /// Spawns the task; see [`TaskScope::spawn`].
    ///
    /// # Errors
    ///
    /// None: the type is that of tokio's.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> io::Result<TaskHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Ok(self.0.spawn(future))
    }

    /// Runs a closure on a thread for blocking work; see [`TaskScope::spawn_blocking`].
    ///
    /// # Errors
    ///
    /// None: the type is that of tokio's.
    #[track_caller]
    pub fn spawn_blocking<F, T>(self, f: F) -> io::Result<TaskHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Ok(self.0.spawn_blocking(f))
    }
}

/// A place among those that a scope runs at once.
enum Permit {
    Unlimited,
    Awaited(Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>),
    Held(
        #[allow(dead_code, reason = "given back when it is dropped")] Option<OwnedSemaphorePermit>,
    ),
}

pin_project! {
    /// What a task of a scope runs; without a child once that has ended.
    struct Running<F: Future> {
        #[pin]
        future: InScope<F>,
        failed: fn(&F::Output) -> Option<String>,
        permit: Permit,
        child: Option<Child>,
    }

    impl<F: Future> PinnedDrop for Running<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let Some(child) = this.child.take() else { return };
            let ended = catch_unwind(AssertUnwindSafe(|| this.future.as_mut().end()));
            *this.permit = Permit::Unlimited;
            child.aborted(ended);
        }
    }
}

impl<F: Future> Future for Running<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let mut this = self.project();
        if let Permit::Awaited(permit) = this.permit {
            let Poll::Ready(permit) = permit.as_mut().poll(cx) else { return Poll::Pending };
            *this.permit = Permit::Held(permit.ok());
        }
        let result = match catch_unwind(AssertUnwindSafe(|| this.future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(value)) => Ok(value),
            Err(payload) => Err(payload),
        };
        let child = this.child.take().expect("not polled after its end");
        if result.is_err() {
            // What it owned may panic in turn.
            let end = AssertUnwindSafe(|| this.future.as_mut().end());
            if let Err(second) = catch_unwind(end) {
                child.shared.panicked(child.site.clone(), second);
            }
        }
        *this.permit = Permit::Unlimited;
        Poll::Ready(child.result(*this.failed, result))
    }
}

/// A closure that has not begun; `None` once it has.
struct Queued<F>(Option<(F, Child)>);

impl<F> Queued<F> {
    fn begin(mut self) -> Option<(F, Child)> {
        self.0.take()
    }
}

impl<F> Drop for Queued<F> {
    fn drop(&mut self) {
        let Some((f, child)) = self.0.take() else { return };
        child.aborted(catch_unwind(AssertUnwindSafe(|| drop(f))));
    }
}

/// A child as its task owns it: ended when this is dropped.
struct Child {
    shared: Arc<Shared>,
    key: Key,
    site: Site,
}

impl Child {
    fn spawn<F>(
        self,
        failed: fn(&F::Output) -> Option<String>,
        future: InScope<F>,
    ) -> TaskHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (key, site, shared) = (self.key, self.site.clone(), Arc::clone(&self.shared));
        let permit = match &shared.limit {
            Some(limit) => Permit::Awaited(Box::pin(Arc::clone(limit).acquire_owned())),
            None => Permit::Unlimited,
        };
        let task = shared.runtime.spawn(Running { future, failed, permit, child: Some(self) });
        shared.roll.spawned(key, task.abort_handle());
        TaskHandle::new(task, shared, key, site)
    }

    /// The task was dropped before its end, and so was all that it owned. A panic of that is the child's;
    /// it goes on if there is a handle, for which the runtime takes it.
    fn aborted(self, ended: Result<(), Payload>) {
        if let Err(payload) = ended {
            self.result(|()| None, Err(payload));
        }
    }

    /// What the task gives to its handle.
    fn result<T>(self, failed: fn(&T) -> Option<String>, result: Result<T, Payload>) -> Option<T> {
        let to_handle = self.shared.roll.deliver(self.key);
        match result {
            Ok(value) => {
                if let Some(message) = failed(&value) {
                    self.shared.returned_error(self.key, self.site.clone(), message);
                }
                if to_handle {
                    return Some(value);
                }
                self.shared.discard(&self.site, value);
                None
            }
            Err(payload) => {
                if to_handle {
                    self.shared.failed();
                    resume_unwind(payload);
                }
                // Kept before anybody can know of it, so that panics caused by this one come later.
                self.shared.panicked(self.site.clone(), payload);
                self.shared.failed();
                None
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.shared.roll.ended(self.key);
    }
}
