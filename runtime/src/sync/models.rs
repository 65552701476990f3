//! What models run on, and how they are run.

use std::ops::Add;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
pub(crate) use loom::thread::yield_now;

/// As the standard library's, for what is initialised by a `const` block.
macro_rules! local {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = const { $init:expr };) => {
        loom::thread_local! { $(#[$attribute])* static $name: $type = $init; }
    };
}
pub(crate) use local as thread_local;

/// Atomics whose sequentially consistent operations are. Loom takes them for `AcqRel`, and a fence for
/// what it is. With one on either side the operations order a little more than they should, which is the
/// lesser evil: without, models would fail for what cannot happen.
pub(crate) mod atomic {
    pub(crate) use loom::sync::atomic::Ordering;
    use loom::sync::atomic::fence;

    fn ordered<T>(order: Ordering, operation: impl FnOnce() -> T) -> T {
        if order != Ordering::SeqCst {
            return operation();
        }
        fence(Ordering::SeqCst);
        let result = operation();
        fence(Ordering::SeqCst);
        result
    }

    macro_rules! atomics {
        ($($name:ident: $type:ty,)*) => {$(
            pub(crate) struct $name(loom::sync::atomic::$name);

            #[allow(dead_code, reason = "of each what any code needs")]
            impl $name {
                pub(crate) fn new(value: $type) -> Self {
                    Self(loom::sync::atomic::$name::new(value))
                }

                pub(crate) fn load(&self, order: Ordering) -> $type {
                    ordered(order, || self.0.load(order))
                }

                pub(crate) fn store(&self, value: $type, order: Ordering) {
                    ordered(order, || self.0.store(value, order));
                }

                pub(crate) fn swap(&self, value: $type, order: Ordering) -> $type {
                    ordered(order, || self.0.swap(value, order))
                }

                pub(crate) fn compare_exchange(
                    &self,
                    from: $type,
                    to: $type,
                    order: Ordering,
                    failed: Ordering,
                ) -> Result<$type, $type> {
                    ordered(order, || self.0.compare_exchange(from, to, order, failed))
                }
            }
        )*};
    }

    macro_rules! counters {
        ($($name:ident: $type:ty,)*) => {
            atomics! { $($name: $type,)* }

            $(
                #[allow(dead_code, reason = "of each what any code needs")]
                impl $name {
                    pub(crate) fn fetch_add(&self, value: $type, order: Ordering) -> $type {
                        ordered(order, || self.0.fetch_add(value, order))
                    }

                    pub(crate) fn fetch_sub(&self, value: $type, order: Ordering) -> $type {
                        ordered(order, || self.0.fetch_sub(value, order))
                    }
                }
            )*
        };
    }

    atomics! { AtomicBool: bool, }
    counters! { AtomicU8: u8, AtomicU32: u32, AtomicU64: u64, AtomicUsize: usize, }
}

/// A clock that stands still: no deadline passes, and who is not woken is a deadlock, which loom tells.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(Duration);

impl Instant {
    pub(crate) fn now() -> Self {
        Self(Duration::ZERO)
    }

    pub(crate) fn elapsed(self) -> Duration {
        Self::now().saturating_duration_since(self)
    }

    pub(crate) fn checked_add(self, duration: Duration) -> Option<Self> {
        self.0.checked_add(duration).map(Self)
    }

    pub(crate) fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0 + duration)
    }
}

/// A thread that sleeps for ever.
struct Asleep;

/// Ends the thread: its time never comes.
pub(crate) fn sleep(_: Duration) {
    resume_unwind(Box::new(Asleep));
}

/// Runs what may sleep for ever; gives whether it came to its end.
pub(crate) fn runs_to_its_end(f: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(()) => true,
        Err(payload) if payload.is::<Asleep>() => false,
        Err(payload) => resume_unwind(payload),
    }
}

/// Runs a model, with every interleaving that has no more than three preemptions, unless
/// `LOOM_MAX_PREEMPTIONS` says otherwise.
pub(crate) fn model(f: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(3));
    builder.check(f);
}
