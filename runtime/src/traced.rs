//! What the feature `tracing` adds: the span that an `async` cleanup was declared in, failures as events,
//! and a clock for them. Without the feature, all of this is of no size and does nothing.
//!
//! The subscriber is the user's code, and may panic: what it does is contained here.

#[cfg(feature = "tracing")]
pub(crate) use self::with::{Clock, Declared, emit};
#[cfg(not(feature = "tracing"))]
pub(crate) use self::without::{Clock, Declared, emit};

#[cfg(feature = "tracing")]
mod with {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::{Duration, Instant};
    use std::{mem, process};

    use tracing::level_filters::LevelFilter;
    use tracing::{Level, Span, event, event_enabled, field};

    use crate::event::{Event, discard};

    const TARGET: &str = "backstop";

    /// The process in which a subscriber was first met; 0 is none.
    static MET_IN: AtomicU32 = AtomicU32::new(0);

    /// Whether there may be a subscriber, as far as one load tells.
    #[inline(always)]
    fn may_be_told() -> bool {
        LevelFilter::current() >= Level::ERROR
    }

    /// Notes the process in which there is a subscriber.
    fn meet() {
        if MET_IN.load(Ordering::Relaxed) == 0 {
            let own = process::id();
            let _ = MET_IN.compare_exchange(0, own, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Whether the subscriber was met in this process. A forked child does not enter its parent's:
    /// another thread may have been in it, with a lock that nobody lets go of in the child.
    fn is_ours() -> bool {
        MET_IN.load(Ordering::Relaxed) == process::id()
    }

    /// Whether there may be a subscriber that this process may enter.
    fn may_tell() -> bool {
        may_be_told() && {
            meet();
            is_ours()
        }
    }

    /// The span that was current where a cleanup was declared; it stays open until that has ended.
    ///
    /// In a box, as it is a part of futures, and most have none.
    #[derive(Default)]
    pub(crate) struct Declared(Option<Box<Span>>);

    impl Declared {
        /// The span that is current here.
        pub(crate) fn here() -> Self {
            if !may_tell() {
                return Self(None);
            }
            let current = contained(Span::current).filter(|span| !span.is_none());
            Self(current.map(Box::new))
        }

        /// Does something within the span. `work` does not panic.
        pub(crate) fn within<R>(&self, work: impl FnOnce() -> R) -> R {
            let Some(span) = self.0.as_ref().filter(|_| is_ours()) else { return work() };
            let entered = contained(|| span.enter());
            let done = work();
            contained(|| drop(entered));
            done
        }
    }

    impl Drop for Declared {
        fn drop(&mut self) {
            match self.0.take() {
                Some(span) if is_ours() => {
                    contained(|| drop(span));
                }
                Some(span) => mem::forget(*span),
                None => {}
            }
        }
    }

    /// When a cleanup began, where a subscriber might be told how long it took.
    #[derive(Clone, Copy)]
    pub(crate) struct Clock(Option<Instant>);

    impl Clock {
        /// Begins. Without a subscriber that is one load.
        #[inline(always)]
        pub(crate) fn start() -> Self {
            Self(may_be_told().then(Self::now))
        }

        fn now() -> Instant {
            meet();
            Instant::now()
        }

        pub(crate) fn elapsed(self) -> Option<Duration> {
            self.0.map(|began| began.elapsed())
        }
    }

    /// Tells the current subscriber; `false` where there is none, or it takes no such events, or it is that
    /// of a parent.
    pub(crate) fn emit(event: &Event) -> bool {
        let told = contained(|| {
            if !may_tell() || !event_enabled!(target: TARGET, Level::ERROR) {
                return false;
            }
            event!(
                target: TARGET,
                Level::ERROR,
                kind = %event.kind,
                name = event.name,
                file = event.location.file(),
                line = event.location.line(),
                outcome = %event.outcome,
                elapsed = event.elapsed.map(field::debug),
                thread = event.thread_name,
                "{}",
                event.message,
            );
            true
        });
        told.unwrap_or(false)
    }

    fn contained<R>(work: impl FnOnce() -> R) -> Option<R> {
        catch_unwind(AssertUnwindSafe(work)).map_err(discard).ok()
    }
}

#[cfg(not(feature = "tracing"))]
mod without {
    use std::time::Duration;

    use crate::event::Event;

    #[derive(Default)]
    pub(crate) struct Declared;

    /// A guard has no byte of it.
    const _: () = assert!(size_of::<Declared>() == 0);

    impl Declared {
        pub(crate) fn here() -> Self {
            Self
        }

        #[allow(clippy::unused_self, reason = "there is a span with the feature")]
        pub(crate) fn within<R>(&self, work: impl FnOnce() -> R) -> R {
            work()
        }
    }

    #[derive(Clone, Copy)]
    pub(crate) struct Clock;

    impl Clock {
        #[inline(always)]
        pub(crate) fn start() -> Self {
            Self
        }

        #[allow(clippy::unused_self, reason = "there is a time with the feature")]
        pub(crate) fn elapsed(self) -> Option<Duration> {
            None
        }
    }

    pub(crate) fn emit(_: &Event) -> bool {
        false
    }
}
