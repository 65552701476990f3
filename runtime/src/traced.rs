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
    use std::time::{Duration, Instant};

    use tracing::level_filters::LevelFilter;
    use tracing::{Level, Span, event, event_enabled, field};

    use crate::event::{Event, discard};

    const TARGET: &str = "backstop";

    /// The span that was current where a cleanup was declared; it stays open until that has ended.
    ///
    /// In a box, as it is a part of futures, and most have none.
    #[derive(Default)]
    pub(crate) struct Declared(Option<Box<Span>>);

    impl Declared {
        /// The span that is current here.
        pub(crate) fn here() -> Self {
            let current = contained(Span::current).filter(|span| !span.is_none());
            Self(current.map(Box::new))
        }

        /// Does something within the span. `work` does not panic.
        pub(crate) fn within<R>(&self, work: impl FnOnce() -> R) -> R {
            let Some(span) = &self.0 else { return work() };
            let entered = contained(|| span.enter());
            let done = work();
            contained(|| drop(entered));
            done
        }
    }

    impl Drop for Declared {
        fn drop(&mut self) {
            if let Some(span) = self.0.take() {
                contained(|| drop(span));
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
            Self((LevelFilter::current() >= Level::ERROR).then(Instant::now))
        }

        pub(crate) fn elapsed(self) -> Option<Duration> {
            self.0.map(|began| began.elapsed())
        }
    }

    /// Tells the current subscriber; `false` where there is none, or it takes no such events.
    pub(crate) fn emit(event: &Event) -> bool {
        let told = contained(|| {
            if !event_enabled!(target: TARGET, Level::ERROR) {
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
