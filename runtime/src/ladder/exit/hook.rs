//! The exit hook: its phases, and how its end is asked for.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic;
use std::thread::Builder;
use std::time::Duration;

use super::bell::Bell;
use super::gate::Gate;
use super::phase::{Cause, Phase};
use super::registry::{Place, Registry, Taken};
use super::report::{Report, Unfinished};
use super::worker::Crew;
use super::{Cleanup, Owed, conductor, sys, thread};
use crate::contain::contain;
use crate::event;
use crate::flag::State;
use crate::ladder::mask::{Mask, with_signals_blocked, with_signals_of};
use crate::report::Ended;
use crate::site::Site;
use crate::sync::Instant;
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// How long all cleanups together have where nobody says otherwise: less than the ten seconds after
/// which supervisors kill.
static LIMIT: atomic::AtomicU64 = atomic::AtomicU64::new(5_000_000_000);

/// What a conductor may take over the limit, to be scheduled and to report.
pub(super) const MARGIN: Duration = Duration::from_secs(1);

/// How long to wait for a death that has been decided elsewhere.
const DEATH: Duration = Duration::from_secs(1);

/// The conductor's stack: it runs nothing of the user's.
const STACK: usize = 256 * 1024;

/// As many threads may be given up as there may be workers.
const ABANDONED: usize = super::worker::WORKERS;

pub(super) struct Hook {
    pub(super) process: i32,
    pub(super) registry: Registry,
    phase: AtomicU8,
    /// Wakes the conductor.
    pub(super) bell: Bell,
    cause: AtomicU32,
    /// In nanoseconds, one more; 0 as long as nobody asked.
    limit: AtomicU64,
    /// The signals that the thread has blocked which ends the process, as bits; `UNKNOWN` where a handler
    /// asks for the end.
    blocked: atomic::AtomicU64,
    /// Threads that will not end what they are running: they wait for the hook.
    abandoned: [AtomicUsize; ABANDONED],
    /// Their open announcements.
    forgiven: AtomicUsize,
    aborting: AtomicBool,
    /// The conductor's thread; 0 before it is there, and `NO_CONDUCTOR` if it could not be made.
    conductor: AtomicUsize,
    ready: Bell,
    conducted: AtomicBool,
    /// Whether what is still being made is not waited for any longer.
    pub(super) hurried: AtomicBool,
    pub(super) gate: Gate,
    pub(super) crew: Crew,
    ran: AtomicUsize,
    report: OnceLock<Report>,
    ended: Bell,
}

/// A thread that has this blocked cannot end the process: signals that a thread does to itself are in it.
const UNKNOWN: u64 = u64::MAX;

const NO_CONDUCTOR: usize = usize::MAX;

pub(super) fn limit() -> Duration {
    Duration::from_nanos(LIMIT.load(Ordering::Relaxed))
}

pub(super) fn set_limit(limit: Duration) {
    LIMIT.store(nanos(limit), Ordering::Relaxed);
}

fn nanos(limit: Duration) -> u64 {
    u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX)
}

/// Until when to wait for the hook: for ever, if the clock cannot tell.
fn latest(limit: Duration) -> Option<Instant> {
    Instant::now().checked_add(limit.saturating_add(MARGIN))
}

impl Hook {
    pub(super) fn new() -> Self {
        Self {
            process: sys::process(),
            registry: Registry::new(),
            phase: AtomicU8::new(Phase::Open as u8),
            bell: Bell::new(),
            cause: AtomicU32::new(0),
            limit: AtomicU64::new(0),
            blocked: atomic::AtomicU64::new(UNKNOWN),
            abandoned: std::array::from_fn(|_| AtomicUsize::new(0)),
            forgiven: AtomicUsize::new(0),
            aborting: AtomicBool::new(false),
            conductor: AtomicUsize::new(0),
            ready: Bell::new(),
            conducted: AtomicBool::new(false),
            hurried: AtomicBool::new(false),
            gate: Gate::new(),
            crew: Crew::new(),
            ran: AtomicUsize::new(0),
            report: OnceLock::new(),
            ended: Bell::new(),
        }
    }

    /// Makes the conductor's thread.
    pub(super) fn start(&'static self) -> io::Result<()> {
        let conductor = Builder::new().name("backstop-exit".to_owned()).stack_size(STACK);
        let spawn = move || conductor.spawn(move || conductor::main(self));
        match with_signals_blocked(spawn) {
            Ok(_) => Ok(()),
            Err(error) => {
                self.conductor.store(NO_CONDUCTOR, Ordering::Release);
                Err(error)
            }
        }
    }

    /// Whether this is the hook of a parent, seen in a forked child.
    #[inline]
    pub(super) fn is_inherited(&self) -> bool {
        !super::current::is(self)
    }

    #[inline]
    pub(super) fn phase(&self) -> Phase {
        Phase::of(self.phase.load(Ordering::SeqCst))
    }

    pub(super) fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::SeqCst);
    }

    /// Registers a cleanup in a shard. Once the hook has begun, this thread runs it at once: left to the
    /// hook, it could come faster than the hook gets to what was there before. Not so within another
    /// cleanup, which may need what this one is to remove.
    #[inline]
    pub(super) fn register(&self, shard: u32, site: &'static Site, cleanup: Cleanup) -> Owed {
        let place = self.registry.insert(shard, site, cleanup);
        // After the shard was locked, which the hook does after it has changed its phase: it either
        // finds the entry, or is seen to have begun.
        if self.phase() == Phase::Open {
            Owed::Registered(place)
        } else {
            self.register_late(place, site)
        }
    }

    /// As [`register`](Self::register), for what was announced in that shard.
    #[inline]
    pub(super) fn register_announced(
        &self,
        shard: u32,
        site: &'static Site,
        cleanup: Cleanup,
    ) -> Owed {
        let place = self.registry.insert(shard, site, cleanup);
        // Before it runs, if it does at once: the hook sees it in the registry from now on.
        self.registry.announced(shard);
        thread::announced();
        if self.phase() == Phase::Open {
            return Owed::Registered(place);
        }
        self.bell.ring();
        self.register_late(place, site)
    }

    #[cold]
    #[inline(never)]
    fn register_late(&self, place: Place, site: &'static Site) -> Owed {
        // The hook may have it already.
        if let Some(cleanup) = self.registry.take(place) {
            if thread::is_running() {
                self.registry.finish(place);
                return Owed::Here(Box::new(cleanup));
            }
            self.run(Taken { place, site, cleanup });
        }
        self.hold();
        Owed::Nothing
    }

    /// Waits for an entry that the hook runs, as long as the hook does: what its guard promises to
    /// be gone may be made anew behind it.
    fn wait_for(&self, place: Place) {
        let until = latest(limit());
        loop {
            let seen = self.bell.count();
            let is_over = self.phase() == Phase::Closed
                || self.crew.has_left(place.sequence)
                || !self.registry.has(place);
            if is_over || !self.bell.wait(seen, until) {
                return;
            }
        }
    }

    /// Runs a cleanup that this thread has taken, as the process's end.
    pub(super) fn run(&self, Taken { place, site, cleanup }: Taken) {
        let contained = || contain(site, State::CANCEL, || cleanup.run());
        let result = self.run_as(place, || catch_unwind(AssertUnwindSafe(contained)));
        if let Err(payload) = result {
            // Reported already.
            event::discard(payload);
        }
        self.ran.fetch_add(1, Ordering::Relaxed);
    }

    /// Runs an entry that this thread has taken.
    pub(super) fn run_as<T>(&self, place: Place, cleanup: impl FnOnce() -> T) -> T {
        let _engaged = thread::Engaged::new();
        let _running = Running { hook: self, place };
        cleanup()
    }

    /// Something ended that the conductor may be waiting for.
    #[inline]
    pub(super) fn progress(&self) {
        if self.phase() != Phase::Open {
            self.bell.ring();
        }
    }

    /// This thread will not end what it is running or announcing. Tells whether that was known.
    /// Async-signal-safe.
    fn abandon_this_thread(&self) -> bool {
        let thread = sys::this_thread();
        if self.is_abandoned(thread) {
            return true;
        }
        for place in &self.abandoned {
            if place.compare_exchange(0, thread, Ordering::SeqCst, Ordering::Relaxed).is_ok() {
                break;
            }
            // With none free, the hook waits until its deadline, in vain.
        }
        self.forgiven.fetch_add(thread::announcements(), Ordering::SeqCst);
        self.bell.ring();
        false
    }

    // A loop: a handler's stack has no room for what an iterator calls where nothing is optimised.
    pub(super) fn is_abandoned(&self, thread: usize) -> bool {
        for place in &self.abandoned {
            if place.load(Ordering::SeqCst) == thread {
                return true;
            }
        }
        false
    }

    pub(super) fn forgiven(&self) -> usize {
        self.forgiven.load(Ordering::SeqCst)
    }

    /// Asks for the end. The first to ask gives cause and limit. Async-signal-safe.
    pub(super) fn request(&self, cause: Cause, limit: Duration) {
        let limit = nanos(limit).saturating_add(1);
        let _ = self.limit.compare_exchange(0, limit, Ordering::SeqCst, Ordering::Relaxed);
        let _ = self.cause.compare_exchange(0, cause.bits(), Ordering::SeqCst, Ordering::Relaxed);
        self.bell.ring();
    }

    /// Who asked first for the end, and the time that there is.
    pub(super) fn requested(&self) -> Option<(Cause, Duration)> {
        let cause = Cause::of(self.cause.load(Ordering::SeqCst))?;
        let limit = self.limit.load(Ordering::SeqCst);
        Some((cause, Duration::from_nanos(limit.saturating_sub(1))))
    }

    /// Runs code of the program's on a thread of the hook's, with the signals blocked that the thread has
    /// blocked which ends the process, or else all: no more, for its children inherit them, and no fewer,
    /// for others may wait for one of them.
    pub(super) fn lend(&self, run: impl FnOnce()) {
        match self.blocked.load(Ordering::SeqCst) {
            UNKNOWN => run(),
            bits => with_signals_of(Mask::from_bits(bits), run),
        }
    }

    /// Asks for the end and waits for it.
    pub(super) fn end(&'static self, cause: Cause, limit: Duration) -> Report {
        thread::Engaged::for_good();
        self.abandon_this_thread();
        // Not where a handler asks: it has more blocked than the thread that it interrupts, and may have
        // next to no stack.
        self.blocked.store(Mask::current().bits(), Ordering::SeqCst);
        self.request(cause, limit);
        if self.conductor.load(Ordering::Acquire) == NO_CONDUCTOR && self.start().is_err() {
            // Not in time if a cleanup hangs, but better than not at all.
            conductor::conduct(self);
        }
        // The first to ask gave the hook's limit; a later one waits no longer than it said itself.
        self.ended.wait(0, latest(limit));
        self.report.get().cloned().unwrap_or_else(|| self.make_report(limit))
    }

    /// What the handler of an abort does before the abort goes on. Async-signal-safe, and frugal with
    /// the stack.
    pub(super) fn end_aborting(&self) {
        self.aborting.store(true, Ordering::SeqCst);
        self.abandon_this_thread();
        let conductor = self.conductor.load(Ordering::Acquire);
        if conductor != NO_CONDUCTOR && conductor != sys::this_thread() {
            let limit = limit();
            self.request(Cause::Abort, limit);
            self.ended.wait_in_handler(latest(limit));
        }
    }

    /// The process exits: from the `atexit` handler.
    pub(super) fn end_exiting(&'static self) {
        let is_known = self.is_abandoned(sys::this_thread());
        let report = self.end(Cause::Exit, limit());
        if self.ended.count() == 0 {
            // The conductor itself did not come to its end.
            report.print();
        }
        let has_signal = matches!(self.requested(), Some((Cause::Signal(_), _)));
        if has_signal || !is_known && self.aborting.load(Ordering::SeqCst) {
            // On their way before this exit was; their status is the true one.
            std::thread::sleep(DEATH);
        }
    }

    /// Whether a signal that ends the process finds somebody to hear it. Async-signal-safe.
    pub(super) fn is_listening(&self) -> bool {
        self.phase() != Phase::Closed && self.conductor.load(Ordering::Acquire) != NO_CONDUCTOR
    }

    /// Waits a moment for the threads that stand by.
    pub(super) fn await_ready(&self, until: Option<Instant>) {
        self.ready.wait(0, until);
    }

    /// The threads that stand by have begun.
    pub(super) fn tell_ready(&self) {
        self.ready.ring();
    }

    /// Makes this thread the conductor.
    pub(super) fn set_conductor(&self) {
        self.conductor.store(sys::this_thread(), Ordering::Release);
    }

    /// Whether the caller is the first to conduct.
    pub(super) fn may_conduct(&self) -> bool {
        !self.conducted.swap(true, Ordering::SeqCst)
    }

    /// The hook is over.
    pub(super) fn close(&self, limit: Duration, is_complete: bool) -> &Report {
        self.set_phase(Phase::Closed);
        self.bell.ring();
        self.gate.tell();
        self.report.get_or_init(|| {
            if is_complete {
                // What threads register from now on is none of it.
                Report { ran: self.ran.load(Ordering::Relaxed), limit, ..Report::default() }
            } else {
                self.make_report(limit)
            }
        })
    }

    /// Lets everybody go who waits for the end.
    pub(super) fn tell_end(&self) {
        self.ended.ring();
    }

    fn make_report(&self, limit: Duration) -> Report {
        let mut left = Vec::new();
        let locked = self.registry.scan(|entry| left.push(entry));
        left.sort_by_key(|entry| std::cmp::Reverse(entry.sequence));
        let unfinished = left
            .into_iter()
            .map(|entry| Unfinished { site: entry.site, began: entry.runner.is_some() })
            .collect();
        Report { ran: self.ran.load(Ordering::Relaxed), unfinished, locked, limit }
    }
}

/// An entry that this thread runs; the hook waits for it.
struct Running<'a> {
    hook: &'a Hook,
    place: Place,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.hook.registry.finish(self.place);
        self.hook.progress();
    }
}

/// Takes an entry of a parent's hook, in a forked child. The guard of a scope that the child leaves
/// runs as any destructor does there.
pub(super) fn take_inherited(hook: &Hook, place: Place) -> Option<Cleanup> {
    hook.registry.withdraw_forked(place)
}

/// Runs an entry on this thread, for its owner.
pub(super) fn run_owned(hook: &Hook, place: Place) -> Ended {
    if hook.is_inherited() {
        return take_inherited(hook, place).map_or(Ended::WELL, Cleanup::run);
    }
    match hook.registry.take(place) {
        Some(cleanup) => hook.run_as(place, || cleanup.run()),
        None => {
            hook.wait_for(place);
            Ended::WELL
        }
    }
}

#[cfg(all(test, backstop_loom))]
mod model;
