//! The handle on a task of a scope.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::task::{AbortHandle, Id, JoinError, JoinHandle};

use super::children::Key;
use super::shared::{Shared, Site};

/// The handle on a task of a scope: awaits to what a [`tokio::task::JoinHandle`] awaits to.
///
/// Needs the feature `tokio`.
///
/// To drop it changes nothing: the scope waits for the task, and hears of its panic. Whoever awaits it
/// takes the panic, or the error, which is theirs from then on.
pub struct TaskHandle<T: Send + 'static> {
    /// `None` once it has been awaited.
    task: Option<JoinHandle<Option<T>>>,
    shared: Arc<Shared>,
    key: Key,
    site: Site,
    id: Id,
}

impl<T: Send + 'static> TaskHandle<T> {
    pub(super) fn new(
        task: JoinHandle<Option<T>>,
        shared: Arc<Shared>,
        key: Key,
        site: Site,
    ) -> Self {
        let id = task.id();
        Self { task: Some(task), shared, key, site, id }
    }

    /// Stops the task at its next `.await`; the scope waits until it has ended.
    pub fn abort(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }

    /// A handle that can abort the task, and nothing else; `None` once the task has been awaited.
    #[must_use]
    pub fn abort_handle(&self) -> Option<AbortHandle> {
        self.task.as_ref().map(JoinHandle::abort_handle)
    }

    /// Whether the task has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// The task's number in its runtime.
    #[must_use]
    pub fn id(&self) -> Id {
        self.id
    }
}

impl<T: Send + 'static> Future for TaskHandle<T> {
    type Output = Result<T, JoinError>;

    /// # Panics
    ///
    /// If it is polled after it has ended.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        let task = self.task.as_mut().expect("not polled after its end");
        let Poll::Ready(ended) = Pin::new(task).poll(cx) else { return Poll::Pending };
        self.task = None;
        self.shared.roll.taken(self.key);
        Poll::Ready(match ended {
            Ok(Some(value)) => Ok(value),
            Ok(None) => {
                unreachable!("the result of a task went elsewhere although its handle is there")
            }
            Err(error) => Err(error),
        })
    }
}

impl<T: Send + 'static> Drop for TaskHandle<T> {
    fn drop(&mut self) {
        let Some(mut task) = self.task.take() else { return };
        if !self.shared.roll.handle_gone(self.key) {
            return;
        }
        let site = self.site.clone();
        match Pin::new(&mut task).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(value)) => self.shared.discard(&site, value),
            Poll::Ready(Err(error)) => {
                if let Ok(payload) = error.try_into_panic() {
                    self.shared.panicked(site, payload);
                }
            }
            Poll::Pending => {
                let (shared, of) = (Arc::clone(&self.shared), site.clone());
                let orphan = async move {
                    match task.await {
                        Ok(value) => {
                            shared.discard(&of, value);
                            None
                        }
                        Err(error) => error.try_into_panic().ok(),
                    }
                };
                self.shared.orphan(site, Box::pin(orphan));
            }
        }
    }
}

impl<T: Send + 'static> fmt::Debug for TaskHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHandle")
            .field("name", &self.site.name)
            .field("location", &self.site.location)
            .finish_non_exhaustive()
    }
}
