//! An `async` cleanup that runs: in the place where its block is left, or on the cleanup runtime.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::Instant;

use crate::contain::report;
use crate::event::{self, EventKind};
use crate::flag::State;
use crate::report::Ended;
use crate::site::Site;
use crate::traced::Declared;

#[cfg(feature = "tokio")]
use crate::cleanup_runtime::{Timer, hand_over};

/// The `async` cleanups of one call of a function. Those that nobody awaits run one after the other,
/// in the order in which they were handed over.
#[derive(Debug)]
pub struct Chain(AtomicU64);

impl Chain {
    /// Without a cleanup yet.
    #[allow(clippy::new_without_default, reason = "named by expansions only")]
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Its number, which it gets when the first cleanup is handed over.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code, reason = "nothing is handed over"))]
    fn number(&self) -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        match self.0.load(Ordering::Relaxed) {
            // One thread at a time drops parts of a future.
            0 => {
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                self.0.store(number, Ordering::Relaxed);
                number
            }
            number => number,
        }
    }
}

type Body = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// A cleanup that has begun, or is about to. It can go from one executor to another at any time.
pub(crate) struct Job {
    body: Body,
    site: &'static Site,
    state: State,
    /// Where it was declared; its polls, its reports and its destructors are within.
    declared: Declared,
    /// Its first poll.
    began: Option<Instant>,
    #[cfg(feature = "tokio")]
    timer: Option<Timer>,
}

impl Job {
    pub(crate) fn new(body: Body, site: &'static Site, state: State, declared: Declared) -> Self {
        Self {
            body,
            site,
            state,
            declared,
            began: None,
            #[cfg(feature = "tokio")]
            timer: None,
        }
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn site(&self) -> &'static Site {
        self.site
    }

    /// Polls it; an `Err` is the payload of its panic. What it says is reported. It is over then.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Box<dyn Any + Send>>> {
        self.began.get_or_insert_with(Instant::now);
        let body = self.body.as_mut();
        match self.declared.within(|| catch_unwind(AssertUnwindSafe(|| body.poll(cx)))) {
            Ok(Poll::Pending) => self.poll_deadline(cx).map(|()| {
                let limit = self.site.timeout.unwrap_or_default();
                self.report(EventKind::CleanupTimedOut, format!("not done after {limit:?}"));
                Ok(())
            }),
            Ok(Poll::Ready(Ended(None))) => Poll::Ready(Ok(())),
            Ok(Poll::Ready(Ended(Some(message)))) => {
                self.report(EventKind::CleanupFailed, message.0);
                Poll::Ready(Ok(()))
            }
            Err(payload) => {
                self.report(EventKind::CleanupPanicked, event::panic_message(&*payload));
                Poll::Ready(Err(payload))
            }
        }
    }

    #[cfg(feature = "tokio")]
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (Some(began), Some(timeout)) = (self.began, self.site.timeout) else {
            return Poll::Pending;
        };
        // An instant that cannot be expressed is one that never comes.
        let Some(deadline) = began.checked_add(timeout) else { return Poll::Pending };
        if self.timer.is_none() {
            // Without a thread to keep the time, the cleanup is not limited.
            self.timer = Timer::new(deadline).ok();
        }
        self.timer.as_mut().map_or(Poll::Pending, |timer| timer.poll(cx))
    }

    #[cfg(not(feature = "tokio"))]
    #[allow(clippy::unused_self, reason = "no expansion comes here: the feature is missing")]
    fn poll_deadline(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }

    /// That nobody will poll it any more.
    pub(crate) fn abandon(self, message: &str) {
        self.report(EventKind::CleanupAbandoned, message.to_owned());
        self.discard();
    }

    #[cold]
    fn report(&self, kind: EventKind, message: String) {
        let elapsed = self.began.map(|began| began.elapsed());
        self.declared.within(|| report(kind, self.site, self.state, elapsed, message));
    }

    /// Drops it; a panic of a destructor in it is reported.
    pub(crate) fn discard(self) {
        let Self { body, site, state, declared, began, .. } = self;
        declared.within(|| {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(body))) {
                let elapsed = began.map(|began| began.elapsed());
                let message = event::panic_message(&*payload);
                report(EventKind::CleanupPanicked, site, state, elapsed, message);
                event::discard(payload);
            }
        });
    }
}

/// The rest of an `async` cleanup, to be awaited. Dropped before it is done, it goes on, on the cleanup
/// runtime.
#[must_use = "a cleanup that is not awaited is handed over to the cleanup runtime"]
pub struct Finish<'c> {
    job: Option<Job>,
    chain: &'c Chain,
}

impl<'c> Finish<'c> {
    pub(crate) fn new(job: Option<Job>, chain: &'c Chain) -> Self {
        Self { job, chain }
    }
}

impl Future for Finish<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(job) = &mut self.job else { return Poll::Ready(()) };
        let Poll::Ready(ended) = job.poll(cx) else { return Poll::Pending };
        if let Some(job) = self.job.take() {
            job.discard();
        }
        match ended {
            Ok(()) => {}
            // A second panic would abort the process.
            Err(payload) if thread::panicking() => event::discard(payload),
            Err(payload) => resume_unwind(payload),
        }
        Poll::Ready(())
    }
}

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        if let Some(job) = mem::take(&mut self.job) {
            #[cfg(feature = "tokio")]
            hand_over(self.chain.number(), job);
            #[cfg(not(feature = "tokio"))]
            job.abandon("the feature `tokio` is missing");
        }
    }
}

impl fmt::Debug for Finish<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.job.as_ref().map(|job| job.site.name);
        f.debug_struct("Finish").field("cleanup", &name).field("chain", self.chain).finish()
    }
}
