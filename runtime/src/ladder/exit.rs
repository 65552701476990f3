//! The exit hook: cleanups that run when the process ends by its own doing.
//!
//! `process::exit`, `main` returning while others run, SIGTERM, SIGINT and SIGHUP, and whatever ends
//! in SIGABRT: `abort`, a panic with `panic = "abort"`, a double panic, a panic across `extern "C"`,
//! a stack overflow.
//!
//! # How it ends
//!
//! An entry is *armed*, *running* or done. At the process's end the *conductor*, a thread that stands
//! by from the first registration on, starts a *worker*, which runs the armed entries, last registered
//! first, over all threads, each contained. A cleanup that takes more than half of the time that is
//! left is left behind: it goes on, and another worker goes on beside it. Then the conductor waits for
//! the entries that other threads are running themselves, and for what they have *announced*. All
//! within one deadline; what has not ended by then is reported on stderr.
//!
//! What a guarded statement is still making is left for last, and waited for: half of the time that
//! is left, as the statement may be one that never ends.
//!
//! Threads of the program run on meanwhile. What they register runs at once, on their own thread, and
//! what a statement of theirs makes once it has ended. A guard whose cleanup the hook is running waits
//! for that.
//! Once nothing is armed any more, and no older cleanup is running elsewhere, a thread that announces is
//! held, instead of creating what nobody would remove; at the latest until the time of all cleanups is
//! over. As such a thread may own a lock that a running cleanup needs, those that are held are let go
//! again for a while whenever that brings the hook no further. What a cleanup registers that is being run is left to
//! its guard: the hook waits for the cleanup.
//!
//! An `async` cleanup that nobody awaits any more ends by itself, on the cleanup runtime, and so do the
//! tasks of a scope that was dropped. They are entries that are *running*: the hook waits for them as for
//! what other threads run, and names those that it gives up.
//!
//! # Forks
//!
//! A forked child runs nothing of its parent's when it exits, aborts or gets a signal. If it registers
//! cleanups, it gets a hook of its own. A guard of a scope that both of them leave runs in both, as any
//! destructor does.
//!
//! # What it does to the process
//!
//! The first registration makes two threads, with all signals blocked but those that a thread does to
//! itself (while cleanups run, those of the thread that exits); installs one handler each for `atexit`,
//! `fork` and SIGABRT, and where nobody handles or ignores them for SIGTERM, SIGINT and SIGHUP (see
//! [`signals`]). On Linux it opens no descriptor before the end, and then only where a thread takes long to
//! make what it has announced. Where no
//! thread can be made, that is an event, each later registration tries again, and until then only `exit`
//! runs cleanups, on the thread that calls it.

mod bell;
mod cleanup;
mod conductor;
mod current;
pub(crate) mod doors;
mod gate;
mod handlers;
mod hook;
mod making;
mod phase;
mod registry;
mod report;
mod signals;
mod sys;
mod thread;
#[cfg(feature = "tokio")]
pub(crate) mod underway;
mod worker;

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::time::Duration;

pub(crate) use self::cleanup::Cleanup;
use self::hook::Hook;
pub(crate) use self::making::{Making, MakingInTurns};
use self::phase::{Cause, Phase};
use self::registry::Place;
#[allow(unused_imports, reason = "named by what `run_all` returns")]
pub(crate) use self::report::{Report, Unfinished};
use crate::report::Ended;
use crate::site::Site;

/// A registration; dropping it withdraws the cleanup.
#[must_use = "dropping the entry withdraws the cleanup"]
pub(crate) struct Entry {
    hook: &'static Hook,
    owed: Owed,
}

/// Who is to run an entry's cleanup.
enum Owed {
    /// Its guard or the hook.
    Registered(Place),
    /// Its guard alone, within another cleanup.
    Here(Box<Cleanup>),
    /// Nobody: it ran at once, or is the guard's no more.
    Nothing,
}

/// Registers a cleanup with the exit hook. Once the hook has begun, it runs at once instead.
#[inline]
pub(crate) fn register(site: &'static Site, cleanup: Cleanup) -> Entry {
    let hook = current::hook();
    Entry { hook, owed: hook.register(thread::shard(), site, cleanup) }
}

impl Entry {
    /// Runs the cleanup on this thread, unless the hook has it already: then it waits for that. A
    /// panic of the cleanup goes on.
    #[must_use]
    pub(crate) fn run(mut self) -> Ended {
        match std::mem::replace(&mut self.owed, Owed::Nothing) {
            Owed::Registered(place) => hook::run_owned(self.hook, place),
            Owed::Here(cleanup) => cleanup.run(),
            Owed::Nothing => Ended::WELL,
        }
    }
}

impl Drop for Entry {
    #[inline]
    fn drop(&mut self) {
        let Owed::Registered(place) = self.owed else { return };
        let withdrawn = if self.hook.is_inherited() {
            hook::take_inherited(self.hook, place)
        } else {
            self.hook.registry.withdraw(place)
        };
        // After the lock: its destructors are the user's code.
        drop(withdrawn);
    }
}

/// Says that this thread is about to create what a cleanup will be registered for: the hook, should
/// it begin in between, waits for that a moment. Held while the thing is created, so that nothing is
/// left in the gap between the two.
#[must_use = "an announcement ends when it is dropped"]
pub(crate) struct Announced {
    hook: &'static Hook,
    shard: u32,
    /// Of this thread, which the hook may give up.
    _thread: PhantomData<*const ()>,
}

/// Announces a registration. Where the process is past its cleanups it returns only when their time is
/// over, except on a thread that runs one or ends the process.
#[inline]
pub(crate) fn announce() -> Announced {
    let hook = current::hook();
    let shard = thread::shard();
    hook.registry.announce(shard, thread::task());
    // After the announcement: the hook changes its phase, and then counts.
    if hook.phase() >= Phase::Closing {
        announce_late(hook, shard);
    }
    thread::announce();
    Announced { hook, shard, _thread: PhantomData }
}

#[cold]
fn announce_late(hook: &Hook, shard: u32) {
    loop {
        hook.registry.announced(shard);
        hook.progress();
        let is_open = hook.hold();
        hook.registry.announce(shard, thread::task());
        // It may be closed again by now.
        if !is_open || hook.phase() < Phase::Closing {
            return;
        }
    }
}

impl Announced {
    /// As [`register`], for what was announced.
    #[inline]
    pub(crate) fn register(self, site: &'static Site, cleanup: Cleanup) -> Entry {
        let this = ManuallyDrop::new(self);
        Entry { hook: this.hook, owed: this.hook.register_announced(this.shard, site, cleanup) }
    }

    /// As [`register`](Self::register), for what a guarded statement is about to make: until
    /// [`Making`] says that it has ended, the hook leaves it for last.
    pub(crate) fn register_making(self, site: &'static Site, cleanup: Cleanup) -> Entry {
        let this = ManuallyDrop::new(self);
        Entry { hook: this.hook, owed: this.hook.register_making(this.shard, site, cleanup) }
    }
}

impl Drop for Announced {
    #[inline]
    fn drop(&mut self) {
        thread::announced();
        self.hook.registry.announced(self.shard);
        self.hook.progress();
    }
}

/// Whether the hook has begun.
pub(crate) fn is_ending() -> bool {
    current::current().is_some_and(|hook| hook.phase() != Phase::Open)
}

/// Whether the time of all cleanups is nearly over: a long one that can leave off in good order does
/// so now, and says what is left.
pub(crate) fn is_nearly_over() -> bool {
    current::current().is_some_and(Hook::is_nearly_over)
}

/// Runs every registered cleanup, last registered first, within `limit` in all. For the end of the
/// process: what is registered later runs at once, and threads that announce are held.
///
/// May be called from any thread, and again. The first call gives the limit; all wait for the one
/// end, each within its own limit, and get the same report.
pub(crate) fn run_all(limit: Duration) -> Report {
    current::current().map_or_else(Report::default, |hook| hook.end(Cause::Call, limit))
}

/// How long all cleanups together have when the process exits, aborts or gets a signal.
pub(crate) fn set_limit(limit: Duration) {
    hook::set_limit(limit);
}

/// Somebody else handles SIGTERM, SIGINT and SIGHUP, and calls [`run_all`].
pub(crate) fn signals_are_taken() {
    signals::are_taken();
}

/// For who has taken them, in a forked child: whether a hook of the child's own ends it by the signal.
/// Async-signal-safe.
pub(crate) fn signal_is_heard(signal: std::ffi::c_int) -> bool {
    signals::is_heard(signal)
}
