//! Containment: what a panicking or failing cleanup does to the rest.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::Duration;

use crate::event::{self, Event, EventKind};
use crate::flag::State;
use crate::report::{Ended, Message};
use crate::site::Site;
use crate::traced::Clock;

/// Runs a cleanup. A panic goes on after it if the thread is not unwinding; if it is, a second one
/// would abort the process, so it is reported and dropped.
#[inline(always)]
pub(crate) fn contain(site: &'static Site, state: State, cleanup: impl FnOnce() -> Ended) {
    let clock = Clock::start();
    match catch_unwind(AssertUnwindSafe(cleanup)) {
        Ok(Ended(None)) => {}
        Ok(Ended(Some(message))) => failed(site, state, clock, message),
        Err(payload) => panicked(site, state, clock, payload),
    }
}

#[cold]
#[inline(never)]
#[allow(clippy::boxed_local, reason = "unboxed here, on the cold way")]
fn failed(site: &'static Site, state: State, clock: Clock, message: Box<Message>) {
    report(EventKind::CleanupFailed, site, state, clock.elapsed(), message.0);
}

#[cold]
#[inline(never)]
fn panicked(site: &'static Site, state: State, clock: Clock, payload: Box<dyn Any + Send>) {
    if !event::is_exit(&*payload) {
        let message = event::panic_message(&*payload);
        report(EventKind::CleanupPanicked, site, state, clock.elapsed(), message);
    }
    if thread::panicking() {
        event::discard(payload);
    } else {
        resume_unwind(payload);
    }
}

pub(crate) fn report(
    kind: EventKind,
    site: &'static Site,
    state: State,
    elapsed: Option<Duration>,
    message: String,
) {
    let mut event = Event::new(kind, site.name, site.location, state.outcome(), message);
    event.elapsed = elapsed;
    event::emit(&event);
}

/// The body of a destructor under `#[must_cleanup] impl Drop`.
#[inline(always)]
pub fn contained_drop(site: &'static Site, body: impl FnOnce()) {
    contain(site, State::AMBIENT, || {
        body();
        Ended::WELL
    });
}
