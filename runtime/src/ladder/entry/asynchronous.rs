//! Guarded statements of an `async fn`, which are suspended and go on elsewhere.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::{Entry, Held, identify};
use crate::ladder::exit::MakingInTurns;

impl Entry {
    /// As [`making`](Self::making), for a statement that may be suspended, and go on elsewhere: each of its
    /// `.await`s is [`during`](MakingAsync::during) this.
    #[must_use]
    pub fn making_async(&self) -> MakingAsync {
        MakingAsync { held: self.held.clone(), statement: Some(self.exit.making_in_turns()) }
    }

    /// The same for a statement of which nobody sees where it is suspended: the hook does not wait for it.
    #[must_use]
    pub fn making_unseen(&self) -> MakingAsync {
        self.exit.making().made();
        MakingAsync { held: self.held.clone(), statement: None }
    }
}

/// A guarded statement of an `async fn` that is making a thing.
pub struct MakingAsync {
    held: Option<Arc<Held>>,
    statement: Option<MakingInTurns>,
}

impl MakingAsync {
    /// What the statement awaits. Once the process is ending, and the hook has run the cleanup of a statement
    /// that was suspended, it is pending for good: nobody would clean up what it went on to make.
    #[inline]
    pub fn during<F: IntoFuture>(&self, future: F) -> During<'_, F::IntoFuture> {
        During { future: future.into_future(), making: self }
    }

    /// The statement went well: as [`Created::commit`](super::Created::commit).
    pub fn commit(self) {
        identify(self.held.as_ref());
    }

    fn resume(&self) -> bool {
        self.statement.as_ref().is_none_or(MakingInTurns::resume)
    }

    fn suspend(&self) {
        if let Some(statement) = &self.statement {
            statement.suspend();
        }
    }
}

pin_project! {
    /// What a guarded statement awaits.
    pub struct During<'m, F> {
        #[pin]
        future: F,
        making: &'m MakingAsync,
    }
}

impl<F: Future> Future for During<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if !this.making.resume() {
            return Poll::Pending;
        }
        let polled = this.future.poll(cx);
        if polled.is_pending() {
            this.making.suspend();
        }
        polled
    }
}
