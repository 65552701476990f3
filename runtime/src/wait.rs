//! An `.await` that says whether its future is being polled.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::flag::Flags;

pin_project! {
    /// What an expansion awaits in the place of a future: between two polls the flags say that whoever
    /// leaves the blocks now has dropped the future around them.
    #[derive(Debug)]
    pub struct Aw<F, L> {
        #[pin]
        future: F,
        flags: L,
    }
}

/// The base of an `.await`.
#[inline(always)]
pub fn aw<F: IntoFuture, L: Flags>(future: F, flags: L) -> Aw<F::IntoFuture, L> {
    Aw { future: future.into_future(), flags }
}

impl<F: Future, L: Flags> Future for Aw<F, L> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.flags.suspend(false);
        let polled = this.future.poll(cx);
        if polled.is_pending() {
            this.flags.suspend(true);
        }
        polled
    }
}
