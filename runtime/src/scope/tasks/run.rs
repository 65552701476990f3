//! The course of a scope of tasks, from its body to the last child's end.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use super::TaskScope;
use super::error::{ByDeadline, ChildFailure, FailureKind, ScopeError};
use super::shared::{Payload, Shared, Site, report};
use crate::event;
use crate::scope::Options;
use crate::{CancelCause, CancelToken};

/// Calls `f` with a scope to spawn tasks in, and ends after all of them have ended.
///
/// Needs the feature `tokio`.
///
/// Tasks run on the tokio runtime that awaits this, and own what they need; the body may borrow.
///
/// # How a scope ends
///
/// When the body has ended or panicked, the scope waits for every task, and for those that they spawned
/// meanwhile. If nothing panicked, apart from tasks whose panic somebody took by awaiting the handle, the
/// body's value is returned. Otherwise a payload is resumed, the body's or else the first, and each other
/// panic is an [`Event`](crate::Event). [`Options::try_tokio`] gives the failures of tasks as an error instead.
///
/// If its future is dropped, all tasks are aborted; they end at their next `.await`, after the drop has
/// returned, and [`drain`](crate::drain) waits for them.
///
/// # Cancellation
///
/// The scope has a [token](crate::CancelToken), a child of the [ambient one](crate::cancel_token), and is
/// the ambient one in the body and in each task. A task that panics, a
/// [fallible](TaskScope::spawn_fallible) one that returns `Err`, and a body that panics cancel it with
/// [`SiblingFailed`](crate::CancelCause::SiblingFailed), unless
/// [`OnFailure::Wait`](super::super::OnFailure::Wait) says otherwise.
///
/// | cause | tasks | body |
/// |---|---|---|
/// | `SiblingFailed`, `Deadline`, `Shutdown { immediate: true }` | aborted: dropped at their next `.await`, where their cleanups run | looks at the token |
/// | `Requested`, `Shutdown { immediate: false }` | look at the token | looks at the token |
///
/// Blocking tasks that have begun cannot be aborted: they are waited for.
///
/// # Panics
///
/// If it is not awaited in a tokio runtime, before anything is spawned; and with the panic that is resumed.
///
/// # Examples
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let lengths = backstop::scope::tokio(|s| async move {
///     let tasks = ["a", "bc"].map(|text| s.spawn(async move { text.len() }));
///     let mut lengths = 0;
///     for task in tasks {
///         lengths += task.await.unwrap();
///     }
///     lengths
/// });
/// assert_eq!(lengths.await, 3);
/// # });
/// ```
#[track_caller]
pub fn tokio<F, B>(f: F) -> impl Future<Output = B::Output>
where
    F: FnOnce(TaskScope) -> B,
    B: Future,
{
    Options::new().tokio(f)
}

impl Options {
    /// Calls `f` with a scope of tasks; see [`tokio`](fn@tokio).
    ///
    /// Needs the feature `tokio`.
    ///
    /// A [`limit`](Self::limit) is one on tasks that have begun and not ended. A task that waits for
    /// another keeps its place.
    ///
    /// # Panics
    ///
    /// As [`tokio`](fn@tokio).
    #[track_caller]
    pub fn tokio<F, B>(self, f: F) -> impl Future<Output = B::Output>
    where
        F: FnOnce(TaskScope) -> B,
        B: Future,
    {
        let location = Location::caller();
        async move {
            let (value, shared, _) = course(self, location, f, |_| false).await;
            let value = ended(value, &shared);
            value.unwrap_or_else(|| unreachable!("a body that was not stopped has a value"))
        }
    }

    /// Calls `f` with a scope of tasks, whose failures are an error.
    ///
    /// Needs the feature `tokio`.
    ///
    /// # Errors
    ///
    /// Every task that panicked or, if it is [fallible](TaskScope::spawn_fallible), returned `Err`,
    /// unless its handle was awaited.
    ///
    /// # Panics
    ///
    /// If it is not awaited in a tokio runtime, and with the panic of the body.
    ///
    /// # Examples
    ///
    /// ```
    /// use backstop::scope::Options;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let failed = Options::new().try_tokio(|s| async move {
    ///     s.task().name("parser").spawn_fallible(async { "x".parse::<u32>() });
    /// });
    /// let error = failed.await.unwrap_err();
    /// assert_eq!(error.failures()[0].name.as_deref(), Some("parser"));
    /// assert_eq!(error.failures()[0].message, "invalid digit found in string");
    /// # });
    /// ```
    #[track_caller]
    pub fn try_tokio<F, B>(self, f: F) -> impl Future<Output = Result<B::Output, ScopeError>>
    where
        F: FnOnce(TaskScope) -> B,
        B: Future,
    {
        let location = Location::caller();
        async move {
            let (value, shared, _) = course(self, location, f, |_| false).await;
            let (panics, mut failures) = shared.roll.take_failures();
            if let Body::Panicked(payload) = value {
                for (site, payload) in panics {
                    report(&site, payload);
                }
                resume_unwind(payload);
            }
            for (site, payload) in panics {
                let message = event::panic_message(&*payload);
                event::discard(payload);
                failures.push(ChildFailure::new(site, FailureKind::Panicked, message));
            }
            match value {
                Body::Ended(value) if failures.is_empty() => Ok(value),
                _ => Err(ScopeError::new(failures)),
            }
        }
    }

    /// Calls `f` with a scope of tasks; when its deadline passes, the body is dropped and the tasks are
    /// aborted.
    ///
    /// Needs the feature `tokio`.
    #[doc(hidden)]
    #[track_caller]
    pub fn tokio_until_deadline<F, B>(
        self,
        by_deadline: ByDeadline<B::Output>,
        f: F,
    ) -> impl Future<Output = B::Output>
    where
        F: FnOnce(TaskScope) -> B,
        B: Future,
    {
        let location = Location::caller();
        async move {
            let stops = |cause| cause == CancelCause::Deadline;
            let (value, shared, is_cut) = course(self, location, f, stops).await;
            by_deadline(ended(value, &shared), is_cut)
        }
    }
}

/// How the body ended.
pub(in crate::scope) enum Body<T> {
    Ended(T),
    Panicked(Payload),
    /// It was dropped.
    Stopped,
}

/// Runs the body and waits for all tasks. A cause that `stops` takes drops the body; the last value says
/// whether it came while tasks that the body had left were still there: a blocking one runs on.
async fn course<F, B>(
    options: Options,
    location: &'static Location<'static>,
    f: F,
    stops: fn(CancelCause) -> bool,
) -> (Body<B::Output>, Arc<Shared>, bool)
where
    F: FnOnce(TaskScope) -> B,
    B: Future,
{
    let Ok(runtime) = Handle::try_current() else {
        panic!(
            "a scope of tasks at {location} is not awaited in a tokio runtime: call it under \
             `#[tokio::main]`, or in `Runtime::block_on`"
        );
    };
    let shared = Shared::new(location, &options, runtime);
    let abandoned = Abandoned(Arc::clone(&shared));
    let mut aborts = pin!(Aborts::new(shared.token()));
    let body = {
        let scope = TaskScope { shared: Arc::clone(&shared) };
        let make = || shared.token().as_ambient(|| f(scope));
        match catch_unwind(AssertUnwindSafe(make)) {
            Ok(body) => {
                let mut body = pin!(shared.token().in_scope(body));
                let ended = poll_fn(|cx| {
                    if let Some(cause) = aborts.as_mut().poll(cx) {
                        shared.roll.stop();
                        if stops(cause) {
                            return Poll::Ready(Body::Stopped);
                        }
                    }
                    match catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(cx))) {
                        Ok(polled) => polled.map(Body::Ended),
                        Err(payload) => Poll::Ready(Body::Panicked(payload)),
                    }
                })
                .await;
                // Its cleanups run, with the token at hand, before anybody waits for the tasks.
                match catch_unwind(AssertUnwindSafe(|| body.as_mut().end())) {
                    Ok(()) => ended,
                    Err(payload) => Body::Panicked(payload),
                }
            }
            Err(payload) => Body::Panicked(payload),
        }
    };
    if matches!(body, Body::Panicked(_)) {
        shared.failed();
    }
    let mut is_cut = false;
    poll_fn(|cx| {
        let ended = shared.roll.poll_ended(cx);
        if ended.is_pending() {
            if let Some(cause) = aborts.as_mut().poll(cx) {
                is_cut = stops(cause);
                shared.roll.stop();
            }
        }
        ended
    })
    .await;
    drop(abandoned);
    (body, shared, is_cut)
}

/// The value of a scope whose panics go on; `None` if its body was stopped.
fn ended<T>(body: Body<T>, shared: &Shared) -> Option<T> {
    let (panics, _) = shared.roll.take_failures();
    let mut panics = panics.into_iter();
    match body {
        Body::Panicked(payload) => {
            panics.for_each(|(site, payload)| report(&site, payload));
            resume_unwind(payload)
        }
        Body::Ended(_) | Body::Stopped => {
            let Some((_, first)) = panics.next() else {
                return match body {
                    Body::Ended(value) => Some(value),
                    _ => None,
                };
            };
            panics.for_each(|(site, payload)| report(&site, payload));
            // The value goes first: its destructor may panic, too.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(body))) {
                report(&Site::body(shared.location), payload);
            }
            resume_unwind(first)
        }
    }
}

/// The causes for which tasks are aborted.
fn aborts(cause: CancelCause) -> bool {
    matches!(
        cause,
        CancelCause::SiblingFailed
            | CancelCause::Deadline
            | CancelCause::Shutdown { immediate: true }
    )
}

/// Waits for a cause to abort the tasks for.
pub(in crate::scope) struct Aborts {
    wait: Option<crate::WaitForCancel>,
}

impl Aborts {
    pub(in crate::scope) fn new(token: &CancelToken) -> Self {
        Self { wait: Some(token.cancelled_until(aborts)) }
    }

    /// Gives the cause when it has just come.
    pub(in crate::scope) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Option<CancelCause> {
        let Poll::Ready(cause) = Pin::new(self.wait.as_mut()?).poll(cx) else { return None };
        self.wait = None;
        Some(cause)
    }
}

/// Aborts the tasks of a scope whose future is dropped.
struct Abandoned(Arc<Shared>);

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
