//! Containment: what a panicking or failing cleanup does to the rest.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use crate::Outcome;
use crate::event::{self, Event, EventKind};
use crate::report::Ended;
use crate::site::Site;

/// Runs a cleanup. A panic goes on after it if the thread is not unwinding; if it is, a second one
/// would abort the process, so it is reported and dropped.
///
/// `interrupt` runs before a panic goes on.
#[inline(always)]
pub(crate) fn contain(
    site: &'static Site,
    outcome: Outcome,
    cleanup: impl FnOnce() -> Ended,
    interrupt: impl FnOnce(),
) {
    match catch_unwind(AssertUnwindSafe(cleanup)) {
        Ok(Ended(None)) => {}
        Ok(Ended(Some(message))) => failed(site, outcome, message),
        Err(payload) => {
            if let Some(payload) = panicked(site, outcome, payload) {
                interrupt();
                resume_unwind(payload);
            }
        }
    }
}

#[cold]
#[inline(never)]
fn failed(site: &'static Site, outcome: Outcome, message: String) {
    let event = Event::new(EventKind::CleanupFailed, site.name, site.location, outcome, message);
    event::emit(&event);
}

/// Reports a panic, and gives its payload back if it may go on.
#[cold]
#[inline(never)]
fn panicked(
    site: &'static Site,
    outcome: Outcome,
    payload: Box<dyn Any + Send>,
) -> Option<Box<dyn Any + Send>> {
    let message = event::panic_message(&*payload);
    let event = Event::new(EventKind::CleanupPanicked, site.name, site.location, outcome, message);
    event::emit(&event);
    if thread::panicking() {
        event::discard(payload);
        return None;
    }
    Some(payload)
}

/// The body of a destructor under `#[must_cleanup] impl Drop`.
#[inline(always)]
pub fn contained_drop(site: &'static Site, body: impl FnOnce()) {
    let outcome = if thread::panicking() { Outcome::Unwind } else { Outcome::Success };
    contain(
        site,
        outcome,
        || {
            body();
            Ended::WELL
        },
        || {},
    );
}
