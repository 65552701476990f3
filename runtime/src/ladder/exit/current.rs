//! The hook of this process, and how it is made.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::hook::Hook;
use super::{handlers, signals, sys};
use crate::event::{self, Event, EventKind};
use crate::forever;
use crate::outcome::Outcome;
use crate::site::Site;
use crate::sync::Instant;

/// A forked child starts without one.
pub(super) static CURRENT: forever::Place<Hook> = forever::Place::empty();

/// One for which there was no thread to be had: of the ways to end, only `exit` finds it.
static THREADLESS: forever::Place<Hook> = forever::Place::empty();

/// Whether a thread is making it.
static MAKING: AtomicBool = AtomicBool::new(false);

/// How long the first registration waits for the threads that it makes to begin. Until they have,
/// a stack overflow would find nobody: its thread holds a lock of the standard library that they need.
const READY: Duration = Duration::from_millis(200);

/// How long to wait for a hook that another thread is making.
const MADE: Duration = READY.saturating_mul(2);

/// The hook, made on first use.
#[inline]
pub(super) fn hook() -> &'static Hook {
    CURRENT.get().unwrap_or_else(make)
}

/// Makes the hook. Others find it when all of it is there: what they register then is run on any end.
/// Without a thread, each registration tries again.
#[cold]
fn make() -> &'static Hook {
    // Not a `Once`: in a forked child, the thread that has begun it may not exist.
    let begin = Instant::now();
    while MAKING.swap(true, Ordering::SeqCst) && begin.elapsed() < MADE {
        if let Some(hook) = CURRENT.get() {
            return hook;
        }
        std::thread::yield_now();
    }
    let mut failed = None;
    let hook = CURRENT.get().unwrap_or_else(|| {
        handlers::install();
        let before = THREADLESS.get();
        let hook: &'static Hook = before.unwrap_or_else(|| Box::leak(Box::new(Hook::new())));
        match hook.start() {
            Ok(()) => {
                hook.await_ready(Instant::now().checked_add(READY));
                signals::install();
                CURRENT.set(hook)
            }
            Err(error) => {
                failed = before.is_none().then_some(error);
                THREADLESS.set(hook)
            }
        }
    });
    MAKING.store(false, Ordering::SeqCst);
    if let Some(error) = failed {
        // Who hears of it may register something, too.
        tell(&error);
    }
    hook
}

fn tell(error: &io::Error) {
    static SITE: Site = Site::new("the exit hook");
    let message = format!(
        "it has no thread until a later registration can make one: cleanups run when the process \
         exits, but not when it aborts or gets a signal: {error}"
    );
    let kind = EventKind::CleanupAbandoned;
    event::emit(&Event::new(kind, SITE.name, SITE.location, Outcome::Success, message));
}

/// The hook, if there is one and this is not a child of its process. Async-signal-safe.
pub(super) fn current() -> Option<&'static Hook> {
    any().filter(|hook| hook.process == sys::process())
}

fn any() -> Option<&'static Hook> {
    CURRENT.get().or_else(|| THREADLESS.get())
}

/// The same, and one that another thread is making: that is about to register what it creates then.
pub(super) fn current_or_coming() -> Option<&'static Hook> {
    let begin = Instant::now();
    while CURRENT.get().is_none() && MAKING.load(Ordering::SeqCst) && begin.elapsed() < MADE {
        std::thread::yield_now();
    }
    current()
}

/// Whether it is this process's.
#[inline]
pub(super) fn is(hook: &Hook) -> bool {
    CURRENT.get().is_some_and(|current| std::ptr::eq(current, hook)) || is_threadless(hook)
}

#[cold]
fn is_threadless(hook: &Hook) -> bool {
    THREADLESS.get().is_some_and(|current| std::ptr::eq(current, hook))
}

/// What a forked child calls first: it has none of the threads, and owns none of the cleanups.
pub(super) fn forget() {
    CURRENT.clear();
    THREADLESS.clear();
    MAKING.store(false, Ordering::SeqCst);
}
