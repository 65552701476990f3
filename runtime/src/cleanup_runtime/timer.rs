//! Deadlines that any executor can wait for: the cleanup runtime keeps the time.

use std::future::Future as _;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use tokio::time::{Sleep, sleep_until};

use super::handle;
use crate::wakers::contained;

/// What tasks wait for that are woken by one.
const TIMER: &str = "<deadline>";

pub(crate) struct Timer {
    sleep: Pin<Box<Sleep>>,
    /// The waker of the task, as the clock has it.
    woken: Option<Arc<Woken>>,
}

impl Timer {
    pub(crate) fn new(deadline: Instant) -> Result<Self, String> {
        let _entered = handle()?.enter();
        Ok(Self { sleep: Box::pin(sleep_until(deadline.into())), woken: None })
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let known = self.woken.take().filter(|woken| woken.is_for(cx.waker()));
        let woken = known.unwrap_or_else(|| Arc::new(Woken(Some(cx.waker().clone()))));
        let waker = Waker::from(Arc::clone(&woken));
        self.woken = Some(woken);
        self.sleep.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

/// A waker on the thread of the cleanup runtime. A panic there would be the end of that, and of all cleanups
/// that are handed over.
///
/// There until this is dropped.
struct Woken(Option<Waker>);

impl Woken {
    fn is_for(&self, waker: &Waker) -> bool {
        self.0.as_ref().is_some_and(|own| own.will_wake(waker))
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        contained(TIMER, Location::caller(), || {
            if let Some(waker) = &self.0 {
                waker.wake_by_ref();
            }
        });
    }
}

impl Drop for Woken {
    fn drop(&mut self) {
        contained(TIMER, Location::caller(), || drop(self.0.take()));
    }
}
