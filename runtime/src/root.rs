//! The future of an annotated `async fn` in a build of `cargo backstop verify`, and only there.
//!
//! Such a function does nothing itself: its future does, when it is polled, and when it is dropped
//! before it is done. Release builds merge the polls of all futures into the executor. Here both are
//! functions of their own, and refer to the function's mark, by which `verify` finds them.

use std::future::Future;
use std::hint::black_box;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Names the mark of a function.
pub trait Mark {
    /// The mark.
    const MARK: &'static [u8];
}

/// The future of a marked function.
#[must_use = "futures do nothing unless polled"]
pub struct Root<M: Mark, F: Future> {
    // Boxed, because a pinned part of a pinned whole takes `unsafe`.
    future: Option<Pin<Box<F>>>,
    mark: PhantomData<fn() -> M>,
}

/// Makes the future of a marked function. `R` is the type that the function returns, for the `?`
/// and `return` of its body.
pub fn root<M: Mark, R, F: Future<Output = R>>(_: M, future: F) -> Root<M, F> {
    Root { future: Some(Box::pin(future)), mark: PhantomData }
}

impl<M: Mark, F: Future> Future for Root<M, F> {
    type Output = F::Output;

    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        black_box(M::MARK);
        match &mut self.future {
            Some(future) => future.as_mut().poll(context),
            // Only a drop takes it away.
            None => Poll::Pending,
        }
    }
}

impl<M: Mark, F: Future> Drop for Root<M, F> {
    #[inline(never)]
    fn drop(&mut self) {
        black_box(M::MARK);
        self.future = None;
    }
}
