//! The registered cleanups of a process.
//!
//! They lie in shards, one for each thread as far as they reach, so that threads do not contend for
//! a lock; one sequence number for all of them tells what came last. No lock is held while code that
//! is not ours runs, destructors included.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use super::Cleanup;
use super::sys;
use crate::site::Site;

/// More than most programs have threads that register at the same time.
pub(super) const SHARDS: usize = 32;

/// How long somebody may hold a shard's lock, which is for some tens of instructions, before the
/// thread is taken for one that will not go on.
const PATIENCE: Duration = Duration::from_millis(100);

/// Where an entry lies. The sequence number tells it from a later one at the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    shard: u32,
    slot: u32,
    sequence: u64,
}

impl Place {
    pub(super) fn sequence(self) -> u64 {
        self.sequence
    }
}

/// An entry that somebody has to run now.
pub(super) struct Taken {
    pub(super) place: Place,
    pub(super) site: &'static Site,
    pub(super) cleanup: Cleanup,
}

/// One that did not end, as a report needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    pub(super) sequence: u64,
    pub(super) site: &'static Site,
    /// The thread that runs it, if it was begun.
    pub(super) runner: Option<usize>,
}

pub(super) struct Registry {
    shards: [Shard; SHARDS],
    next: AtomicU64,
}

/// A cache line of its own, two where the processor fetches them in pairs.
#[repr(align(128))]
struct Shard {
    list: Mutex<List>,
    /// Announcements that are open.
    announced: AtomicUsize,
}

impl Registry {
    pub(super) fn new() -> Self {
        let shard = |_| Shard { list: Mutex::new(List::new()), announced: AtomicUsize::new(0) };
        Self { shards: std::array::from_fn(shard), next: AtomicU64::new(1) }
    }

    /// Whoever holds the lock soon lets go of it: no code but this file's runs under it.
    #[inline]
    fn lock(&self, shard: usize) -> MutexGuard<'_, List> {
        self.shards[shard].list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock, as long as waiting makes sense: its holder may be a thread that aborted, or, in a
    /// forked child, one that does not exist.
    fn try_lock(&self, shard: usize, patience: Duration) -> Option<MutexGuard<'_, List>> {
        let until = Instant::now().checked_add(patience);
        loop {
            match self.shards[shard].list.try_lock() {
                Ok(list) => return Some(list),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
            if until.is_none_or(|until| Instant::now() >= until) {
                return None;
            }
            thread::yield_now();
        }
    }

    /// Adds a cleanup, armed if `may_arm` says so under the lock, else as being run by this thread,
    /// which then gets it back.
    #[inline]
    pub(super) fn insert(
        &self,
        shard: usize,
        site: &'static Site,
        cleanup: Cleanup,
        may_arm: impl FnOnce() -> bool,
    ) -> (Place, Option<Cleanup>) {
        let mut list = self.lock(shard);
        // Within the lock, so that a shard's list is in the order of its numbers.
        let sequence = self.next.fetch_add(1, Ordering::Relaxed);
        let (slot, back) = if may_arm() {
            (list.insert(Slot { sequence, site, cleanup: Some(cleanup), ..Slot::EMPTY }), None)
        } else {
            let runner = sys::this_thread();
            (list.insert(Slot { sequence, site, runner, ..Slot::EMPTY }), Some(cleanup))
        };
        drop(list);
        #[allow(clippy::cast_possible_truncation, reason = "less than SHARDS")]
        let shard = shard as u32;
        (Place { shard, slot, sequence }, back)
    }

    /// Removes an entry that is still armed.
    #[inline]
    pub(super) fn withdraw(&self, place: Place) -> Option<Cleanup> {
        self.lock(place.shard as usize).withdraw(place)
    }

    /// As [`withdraw`](Self::withdraw), where the lock may be nobody's.
    pub(super) fn withdraw_forked(&self, place: Place) -> Option<Cleanup> {
        self.try_lock(place.shard as usize, PATIENCE)?.withdraw(place)
    }

    /// Gives an entry that is still armed to this thread to run.
    pub(super) fn take(&self, place: Place) -> Option<Cleanup> {
        self.lock(place.shard as usize).take(place)
    }

    /// An entry was run to its end.
    pub(super) fn finish(&self, place: Place) {
        self.lock(place.shard as usize).finish(place);
    }

    /// Takes the entry that was registered last over all shards, as far as they can be locked.
    pub(super) fn take_newest(&self) -> Option<Taken> {
        loop {
            let newest = (0..SHARDS)
                .filter_map(|shard| {
                    let list = self.try_lock(shard, PATIENCE)?;
                    let slot = list.slots.get(list.armed as usize)?;
                    #[allow(clippy::cast_possible_truncation, reason = "less than SHARDS")]
                    let shard = shard as u32;
                    Some(Place { shard, slot: list.armed, sequence: slot.sequence })
                })
                .max_by_key(|place| place.sequence)?;
            let mut list = self.try_lock(newest.shard as usize, PATIENCE)?;
            let site = list.slots.get(newest.slot as usize).map(|slot| slot.site);
            // Its owner may have been faster; then look again.
            if let (Some(cleanup), Some(site)) = (list.take(newest), site) {
                return Some(Taken { place: newest, site, cleanup });
            }
        }
    }

    /// Calls `each` for all entries; returns how many shards could not be locked at once.
    pub(super) fn scan(&self, mut each: impl FnMut(Left)) -> usize {
        let mut locked = 0;
        for shard in 0..SHARDS {
            match self.try_lock(shard, Duration::ZERO) {
                Some(list) => list.scan(&mut each),
                None => locked += 1,
            }
        }
        locked
    }

    /// Opens an announcement in a shard.
    #[inline]
    pub(super) fn announce(&self, shard: usize) {
        // Sequentially consistent, against the hook that changes its phase and then counts.
        self.shards[shard].announced.fetch_add(1, Ordering::SeqCst);
    }

    /// Ends one.
    #[inline]
    pub(super) fn announced(&self, shard: usize) {
        self.shards[shard].announced.fetch_sub(1, Ordering::SeqCst);
    }

    /// How many are open.
    pub(super) fn announcements(&self) -> usize {
        self.shards.iter().map(|shard| shard.announced.load(Ordering::SeqCst)).sum()
    }
}

/// No slot.
const NONE: u32 = u32::MAX;

struct Slot {
    /// 0 while it is free.
    sequence: u64,
    site: &'static Site,
    /// There while it is armed.
    cleanup: Option<Cleanup>,
    /// The thread that runs it.
    runner: usize,
    /// Its neighbours in the list that it is in: the armed, the running or the free ones.
    newer: u32,
    older: u32,
}

impl Slot {
    const EMPTY: Self = Self {
        sequence: 0,
        site: &const { Site::new("") },
        cleanup: None,
        runner: 0,
        newer: NONE,
        older: NONE,
    };
}

/// The slots of a shard, in three lists of indices. The armed ones are in the order of registration,
/// so that the newest is found without a search, and nothing is allocated at the end of a process.
struct List {
    slots: Vec<Slot>,
    armed: u32,
    running: u32,
    free: u32,
}

impl List {
    const fn new() -> Self {
        Self { slots: Vec::new(), armed: NONE, running: NONE, free: NONE }
    }

    #[inline]
    fn insert(&mut self, slot: Slot) -> u32 {
        let armed = slot.cleanup.is_some();
        let index = self.free;
        let index = if let Some(free) = self.slots.get_mut(index as usize) {
            self.free = free.older;
            *free = slot;
            index
        } else {
            self.push(slot)
        };
        self.link(index, armed);
        index
    }

    #[cold]
    #[inline(never)]
    fn push(&mut self, slot: Slot) -> u32 {
        let index = u32::try_from(self.slots.len()).unwrap_or(NONE);
        assert!(index != NONE, "too many cleanups");
        self.slots.push(slot);
        index
    }

    #[inline]
    fn head(&mut self, armed: bool) -> &mut u32 {
        if armed { &mut self.armed } else { &mut self.running }
    }

    #[inline]
    fn link(&mut self, index: u32, armed: bool) {
        let older = std::mem::replace(self.head(armed), index);
        if let Some(older) = self.slots.get_mut(older as usize) {
            older.newer = index;
        }
        let slot = &mut self.slots[index as usize];
        slot.older = older;
        slot.newer = NONE;
    }

    #[inline]
    fn unlink(&mut self, index: u32, armed: bool) {
        let Slot { newer, older, .. } = self.slots[index as usize];
        match self.slots.get_mut(newer as usize) {
            Some(newer) => newer.older = older,
            None => *self.head(armed) = older,
        }
        if let Some(older) = self.slots.get_mut(older as usize) {
            older.newer = newer;
        }
    }

    /// The cleanup of an entry that is still armed.
    #[inline]
    fn disarm(&mut self, place: Place) -> Option<Cleanup> {
        let slot = self.slots.get_mut(place.slot as usize)?;
        if slot.sequence != place.sequence {
            return None;
        }
        let cleanup = slot.cleanup.take()?;
        self.unlink(place.slot, true);
        Some(cleanup)
    }

    #[inline]
    fn withdraw(&mut self, place: Place) -> Option<Cleanup> {
        let cleanup = self.disarm(place)?;
        self.release(place.slot);
        Some(cleanup)
    }

    fn take(&mut self, place: Place) -> Option<Cleanup> {
        let cleanup = self.disarm(place)?;
        self.slots[place.slot as usize].runner = sys::this_thread();
        self.link(place.slot, false);
        Some(cleanup)
    }

    fn finish(&mut self, place: Place) {
        let running = self.slots.get(place.slot as usize);
        if running.is_some_and(|slot| slot.sequence == place.sequence && slot.cleanup.is_none()) {
            self.unlink(place.slot, false);
            self.release(place.slot);
        }
    }

    #[inline]
    fn release(&mut self, index: u32) {
        let free = std::mem::replace(&mut self.free, index);
        let slot = &mut self.slots[index as usize];
        slot.sequence = 0;
        slot.older = free;
    }

    fn scan(&self, each: &mut impl FnMut(Left)) {
        for (head, armed) in [(self.armed, true), (self.running, false)] {
            let mut index = head;
            while let Some(slot) = self.slots.get(index as usize) {
                let runner = (!armed).then_some(slot.runner);
                each(Left { sequence: slot.sequence, site: slot.site, runner });
                index = slot.older;
            }
        }
    }
}

#[cfg(test)]
mod tests;
