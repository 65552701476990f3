//! What guarded statements are still making when the process ends.
//!
//! Their cleanups are registered before they begin. Run in the middle of the statement, one would find
//! nothing, and what the statement makes then would be left. So the hook leaves such an entry for last
//! and waits for the statement, whose thread runs the cleanup behind it. But a statement may be one that
//! never ends: after half of the time that is left the hook runs it beside.
//!
//! A statement of an `async fn` is such a one while it is polled. Between two polls it makes nothing, and
//! who knows whether there is anybody left to poll it: the hook runs its cleanup, and then it does not go
//! on any more.

use std::cell::Cell;
use std::marker::PhantomData;

use super::hook::Hook;
use super::phase::Phase;
use super::registry::{Place, Taken};
use super::{Cleanup, Entry, Owed, thread};
use crate::site::Site;
use crate::sync::atomic::{AtomicBool, Ordering};

impl Entry {
    /// The statement that makes what this is for begins: see [`Announced::register_making`].
    pub(crate) fn making(&self) -> Making {
        let place = match self.owed {
            Owed::Registered(place) => Some(place),
            Owed::Here(_) | Owed::Nothing => None,
        };
        if place.is_some() {
            thread::making();
        }
        Making { hook: self.hook, place: Cell::new(place), _thread: PhantomData }
    }
}

/// A guarded statement that is making something. It has come to its end when this is dropped.
pub(crate) struct Making {
    hook: &'static Hook,
    place: Cell<Option<Place>>,
    /// Of this thread, which is not held up as long as the hook waits for it.
    _thread: PhantomData<*const ()>,
}

impl Making {
    /// The statement has made it.
    pub(crate) fn made(&self) {
        let Some(place) = self.place.take() else { return };
        thread::made();
        if !self.hook.is_inherited() {
            self.hook.made(place);
        }
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        self.made();
    }
}

impl Entry {
    /// As [`making`](Self::making), for a statement that may be suspended.
    pub(crate) fn making_in_turns(&self) -> MakingInTurns {
        let making = self.making();
        let (hook, place) = (making.hook, making.place.take());
        MakingInTurns { hook, place, is_polled: AtomicBool::new(true) }
    }
}

/// A guarded statement that is making something while it is polled, by whatever thread. It has come to its
/// end when this is dropped.
pub(crate) struct MakingInTurns {
    hook: &'static Hook,
    place: Option<Place>,
    /// Of this turn's thread, which orders it with that of the next.
    is_polled: AtomicBool,
}

impl MakingInTurns {
    /// The statement is polled. Tells whether it may go on: not where its cleanup has been taken.
    pub(crate) fn resume(&self) -> bool {
        let Some(place) = self.place else { return true };
        if self.is_polled.load(Ordering::Relaxed) {
            return true;
        }
        if !self.hook.is_inherited() && !self.hook.registry.making_again(place) {
            return false;
        }
        thread::making();
        self.is_polled.store(true, Ordering::Relaxed);
        true
    }

    /// It is suspended, or has come to its end.
    pub(crate) fn suspend(&self) {
        let Some(place) = self.place else { return };
        if self.is_polled.swap(false, Ordering::Relaxed) {
            thread::made();
            if !self.hook.is_inherited() {
                self.hook.made(place);
            }
        }
    }
}

impl Drop for MakingInTurns {
    fn drop(&mut self) {
        self.suspend();
    }
}

impl Hook {
    /// As [`register_announced`](Self::register_announced), for what a statement is about to make:
    /// once the hook has begun, it waits for the statement.
    pub(super) fn register_making(
        &self,
        shard: u32,
        site: &'static Site,
        cleanup: Cleanup,
    ) -> Owed {
        let place = self.registry.insert_making(shard, site, cleanup);
        self.registry.announced(shard);
        thread::announced();
        let phase = self.phase();
        if phase == Phase::Open {
            return Owed::Registered(place);
        }
        self.bell.ring();
        if thread::is_running() {
            // The hook may have it already.
            let Some(Taken { cleanup, .. }) = self.registry.made(place, || true) else {
                return Owed::Nothing;
            };
            self.registry.finish(place);
            self.bell.ring();
            return Owed::Here(Box::new(cleanup));
        }
        if phase == Phase::Closed {
            // Nobody waits for it any more.
            self.hold();
        }
        Owed::Registered(place)
    }

    /// The statement has made what this entry is for, or what it makes before it goes on. Once the hook has begun, this thread runs it
    /// at once, as what it registers.
    pub(super) fn made(&self, place: Place) {
        if let Some(taken) = self.registry.made(place, || self.phase() != Phase::Open) {
            self.run(taken);
        }
        self.progress();
    }

    /// The newest of what is to be run now.
    pub(super) fn next(&self) -> Option<Taken> {
        let newest = self.registry.take_newest();
        newest.or_else(|| self.registry.take_newest_making(|maker| self.may_overtake(maker)))
    }

    /// Whether to run a cleanup although this thread is still making what it is for.
    pub(super) fn may_overtake(&self, maker: usize) -> bool {
        self.hurried.load(Ordering::SeqCst) || self.is_abandoned(maker)
    }

    /// Waits no longer for what is being made.
    pub(super) fn hurry(&self) {
        self.hurried.store(true, Ordering::SeqCst);
    }
}
