//! Wakers of tasks: code of whatever executor there is, which may panic.
//!
//! Who wakes is often a destructor, or a thread that nobody may end, and there may be others to be woken behind
//! a waker that panics. So none of its panics goes on: each is an event.

use std::any::Any;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::task::Waker;

use crate::Outcome;
use crate::event::{self, Event, EventKind};

/// Wakes tasks, all of them whatever one does. `what` they waited for, and its place, are what an event is
/// told by.
pub(crate) fn wake(
    wakers: impl IntoIterator<Item = Waker>,
    what: &str,
    location: &'static Location<'static>,
) {
    let mut wakers = wakers.into_iter();
    // Who panics has been taken out by then.
    while let Err(payload) = catch_unwind(AssertUnwindSafe(|| (&mut wakers).for_each(Waker::wake)))
    {
        panicked(payload, what, location);
    }
}

/// Does with a waker what may be its code: wakes it by reference, or drops it.
pub(crate) fn contained(what: &str, location: &'static Location<'static>, work: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
        panicked(payload, what, location);
    }
}

#[cold]
fn panicked(payload: Box<dyn Any + Send>, what: &str, location: &'static Location<'static>) {
    if !event::is_exit(&*payload) {
        let message = event::panic_message(&*payload);
        let kind = EventKind::WakerPanicked;
        event::emit(&Event::new(kind, what, location, Outcome::Unwind, message));
    }
    event::discard(payload);
}

/// Wakers for tests.
#[cfg(all(test, not(backstop_loom)))]
#[allow(unsafe_code, reason = "no safe waker has a `clone` of its own")]
pub(crate) mod tests {
    use std::task::{RawWaker, RawWakerVTable, Wake};

    use super::*;

    type OnClone = Box<dyn Fn() + Send + Sync>;

    static TABLE: RawWakerVTable = RawWakerVTable::new(clone, nothing, nothing, nothing);

    fn clone(data: *const ()) -> RawWaker {
        // SAFETY: made of such a reference by `calling_when_cloned`, which gave it away for good.
        let on_clone = unsafe { &*data.cast::<OnClone>() };
        on_clone();
        RawWaker::new(data, &TABLE)
    }

    fn nothing(_: *const ()) {}

    /// A waker that calls this whenever it is cloned, and wakes nobody.
    pub(crate) fn calling_when_cloned(on_clone: impl Fn() + Send + Sync + 'static) -> Waker {
        let on_clone = &*Box::leak(Box::new(Box::new(on_clone) as OnClone));
        // SAFETY: the functions of the table take what is shared between threads and lives for ever.
        unsafe { Waker::new(std::ptr::from_ref(on_clone).cast(), &TABLE) }
    }

    /// A waker that panics.
    pub(crate) fn panicking() -> Waker {
        struct Panics;
        impl Wake for Panics {
            fn wake(self: std::sync::Arc<Self>) {
                panic!("in the waker");
            }
        }
        std::sync::Arc::new(Panics).into()
    }
}
