//! The ambient token of a future.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::CancelToken;

pin_project! {
    /// A future with an ambient token of its own: made by [`CancelToken::in_scope`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InScope<F> {
        #[pin]
        future: Option<F>,
        token: CancelToken,
    }

    impl<F> PinnedDrop for InScope<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _ambient = this.token.enter();
            this.future.set(None);
        }
    }
}

impl CancelToken {
    /// Makes this token the ambient one, which [`cancel_token`](crate::cancel_token) returns, while
    /// the future is polled or dropped: on whatever thread that is, and not for anything else that
    /// the thread does in between.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::Future;
    /// use std::pin::pin;
    /// use std::task::{Context, Poll, Waker};
    ///
    /// use backstop::{CancelToken, cancel_token};
    ///
    /// let token = CancelToken::new();
    /// let mut future = pin!(token.in_scope(async { cancel_token().is_cancelled() }));
    /// token.cancel();
    /// let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    /// assert_eq!(polled, Poll::Ready(true));
    /// assert!(!cancel_token().is_cancelled());
    /// ```
    pub fn in_scope<F: Future>(&self, future: F) -> InScope<F> {
        InScope { future: Some(future), token: self.clone() }
    }
}

impl<F> InScope<F> {
    /// Drops the future, under its token.
    #[cfg(feature = "tokio")]
    pub(crate) fn end(self: Pin<&mut Self>) {
        let mut this = self.project();
        let _ambient = this.token.enter();
        this.future.set(None);
    }
}

impl<F: Future> Future for InScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _ambient = this.token.enter();
        let future = this.future.as_mut().as_pin_mut().expect("not polled after its end");
        let polled = future.poll(cx);
        if polled.is_ready() {
            this.future.set(None);
        }
        polled
    }
}
