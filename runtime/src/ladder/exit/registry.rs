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
        let sequence = self.next.fetch_add(1, Ordering::Relaxed);
        let (slot, free) = list.free();
        free.sequence = sequence;
        free.site = site;
        let back = if may_arm() {
            free.cleanup = Some(cleanup);
            None
        } else {
            free.runner = sys::this_thread();
            Some(cleanup)
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

    /// Takes the entry that was registered last over all shards, as far as they can be locked. For
    /// the hook only, from when nothing is armed any more.
    pub(super) fn take_newest(&self) -> Option<Taken> {
        loop {
            let newest = (0..SHARDS)
                .filter_map(|shard| {
                    let (slot, sequence) = self.try_lock(shard, PATIENCE)?.newest()?;
                    #[allow(clippy::cast_possible_truncation, reason = "less than SHARDS")]
                    let shard = shard as u32;
                    Some(Place { shard, slot, sequence })
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
const NONE: usize = usize::MAX;

struct Slot {
    /// 0 while it is free.
    sequence: u64,
    site: &'static Site,
    /// There while it is armed.
    cleanup: Option<Cleanup>,
    /// While it is running, the thread that runs it; while it is free, the next free one.
    runner: usize,
}

/// The slots of a shard. To register and to withdraw is to take a free one and to give it back; the
/// order is worked out at the end of the process, without allocating.
struct List {
    slots: Vec<Slot>,
    free: usize,
    /// The slots that are armed, in the order of registration, once somebody asked for the newest.
    /// Before that it is empty, with room for all slots.
    order: Vec<u32>,
    is_ordered: bool,
}

impl List {
    const fn new() -> Self {
        Self { slots: Vec::new(), free: NONE, order: Vec::new(), is_ordered: false }
    }

    /// Takes a free slot.
    #[inline]
    fn free(&mut self) -> (u32, &mut Slot) {
        if self.free >= self.slots.len() {
            self.grow();
        }
        let index = self.free;
        let slot = &mut self.slots[index];
        self.free = slot.runner;
        #[allow(clippy::cast_possible_truncation, reason = "`grow` sees to it")]
        let index = index as u32;
        (index, slot)
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let index = self.slots.len();
        assert!(u32::try_from(index).is_ok(), "too many cleanups");
        let site = &const { Site::new("") };
        self.slots.push(Slot { sequence: 0, site, cleanup: None, runner: NONE });
        self.order.reserve(self.slots.len() - self.order.len());
        self.free = index;
    }

    /// The slot of an entry, if it is still there.
    #[inline]
    fn slot(&mut self, place: Place) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(place.slot as usize)?;
        if slot.sequence == place.sequence { Some(slot) } else { None }
    }

    #[inline]
    fn withdraw(&mut self, place: Place) -> Option<Cleanup> {
        let free = self.free;
        let slot = self.slot(place)?;
        let cleanup = slot.cleanup.take()?;
        slot.sequence = 0;
        slot.runner = free;
        self.free = place.slot as usize;
        Some(cleanup)
    }

    fn take(&mut self, place: Place) -> Option<Cleanup> {
        let slot = self.slot(place)?;
        let cleanup = slot.cleanup.take()?;
        slot.runner = sys::this_thread();
        Some(cleanup)
    }

    fn finish(&mut self, place: Place) {
        let free = self.free;
        if let Some(slot) = self.slot(place).filter(|slot| slot.cleanup.is_none()) {
            slot.sequence = 0;
            slot.runner = free;
            self.free = place.slot as usize;
        }
    }

    /// The armed slot with the highest number. From the first call on, nothing may be armed.
    fn newest(&mut self) -> Option<(u32, u64)> {
        let Self { slots, order, is_ordered, .. } = self;
        if !*is_ordered {
            *is_ordered = true;
            let armed = (0..).zip(slots.iter()).filter(|(_, slot)| slot.cleanup.is_some());
            order.extend(armed.map(|(index, _)| index));
            order.sort_unstable_by_key(|index| slots[*index as usize].sequence);
        }
        // Those that their owners were faster to take, or that were taken, are in there still.
        while let Some(index) = order.last() {
            let slot = &slots[*index as usize];
            if slot.cleanup.is_some() {
                return Some((*index, slot.sequence));
            }
            order.pop();
        }
        None
    }

    fn scan(&self, each: &mut impl FnMut(Left)) {
        for slot in self.slots.iter().filter(|slot| slot.sequence != 0) {
            let runner = slot.cleanup.is_none().then_some(slot.runner);
            each(Left { sequence: slot.sequence, site: slot.site, runner });
        }
    }
}

#[cfg(test)]
mod tests;
