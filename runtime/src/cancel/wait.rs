//! Tasks that wait for a token.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::future::InScope;
use super::node::Node;
use super::{CancelCause, CancelToken, Cancelled};
use crate::cleanup_runtime::Timer;

/// Waits until a token is cancelled or its deadline passes: made by [`CancelToken::cancelled`].
///
/// Needs the feature `tokio`.
#[must_use = "futures do nothing unless polled"]
pub struct WaitForCancel {
    node: Arc<Node>,
    /// Its place among those who wait.
    key: Option<u64>,
    timer: Option<Timer>,
    /// The causes that end the wait.
    until: fn(CancelCause) -> bool,
}

impl Future for WaitForCancel {
    type Output = CancelCause;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CancelCause> {
        let this = &mut *self;
        match this.node.register(cx.waker(), &mut this.key, this.until) {
            Some(cause) if (this.until)(cause) => return Poll::Ready(cause),
            // Another one may come; a deadline does not change it.
            Some(_) => return Poll::Pending,
            None => {}
        }
        let Some(deadline) = this.node.deadline() else { return Poll::Pending };
        let timer = this.timer.get_or_insert_with(|| match Timer::new(deadline) {
            Ok(timer) => timer,
            // To wait for ever instead would be worse.
            Err(error) => panic!("nobody can wait for a deadline: {error}"),
        });
        if timer.poll(cx).is_pending() {
            return Poll::Pending;
        }
        match this.node.cause() {
            Some(cause) => Poll::Ready(cause),
            // A timer that is early: it is asked again.
            None => {
                this.timer = None;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl Drop for WaitForCancel {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.node.unregister(key);
        }
    }
}

impl fmt::Debug for WaitForCancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitForCancel").field("cause", &self.node.cause()).finish_non_exhaustive()
    }
}

pin_project! {
    /// Runs a future until a token is cancelled: made by [`CancelToken::run`].
    ///
    /// Needs the feature `tokio`.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Run<F> {
        #[pin]
        future: InScope<F>,
        cancelled: WaitForCancel,
    }
}

impl<F: Future> Future for Run<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<F::Output, Cancelled>> {
        let mut this = self.project();
        if let Poll::Ready(cause) = Pin::new(this.cancelled).poll(cx) {
            // Its cleanups run before anybody hears that it is cancelled.
            this.future.as_mut().end();
            return Poll::Ready(Err(Cancelled { cause }));
        }
        this.future.poll(cx).map(Ok)
    }
}

impl CancelToken {
    /// Waits until the token is cancelled or its deadline passes, and says why.
    ///
    /// Needs the feature `tokio`.
    ///
    /// On any executor. The future needs no reference to the token.
    ///
    /// # Panics
    ///
    /// If the token has a deadline and there is no thread to be had that keeps the time.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use backstop::{CancelCause, CancelToken};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let token = CancelToken::new().child_with_timeout(Duration::from_millis(5));
    /// assert_eq!(token.cancelled().await, CancelCause::Deadline);
    /// # });
    /// ```
    pub fn cancelled(&self) -> WaitForCancel {
        self.cancelled_until(|_| true)
    }

    /// Waits for a cause that `until` takes.
    pub(crate) fn cancelled_until(&self, until: fn(CancelCause) -> bool) -> WaitForCancel {
        WaitForCancel { node: Arc::clone(&self.node), key: None, timer: None, until }
    }

    /// Runs a future until it ends or the token is cancelled, whichever is first; then it is dropped.
    /// The token is the [ambient one](crate::cancel_token) in it.
    ///
    /// Needs the feature `tokio`.
    ///
    /// Of a token that is cancelled already, the future is not polled at all.
    ///
    /// # Errors
    ///
    /// [`Cancelled`], with the cause, if the token was cancelled or its deadline passed first.
    ///
    /// # Panics
    ///
    /// As [`cancelled`](Self::cancelled).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::{pending, ready};
    /// use std::time::Duration;
    ///
    /// use backstop::{CancelCause, CancelToken, cancel_token};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// // 5 ms in all, although the query asks for more.
    /// let request = CancelToken::new().child_with_timeout(Duration::from_millis(5));
    /// let answer = request.run(async {
    ///     let query = cancel_token().child_with_timeout(Duration::from_secs(8));
    ///     query.run(pending::<u32>()).await
    /// });
    /// assert_eq!(answer.await.unwrap_err().cause, CancelCause::Deadline);
    /// assert_eq!(CancelToken::new().run(ready(7)).await, Ok(7));
    /// # });
    /// ```
    pub fn run<F: Future>(&self, future: F) -> Run<F> {
        Run { cancelled: self.cancelled(), future: self.in_scope(future) }
    }
}
