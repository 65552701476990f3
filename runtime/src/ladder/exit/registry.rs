//! The registered cleanups of a process.
//!
//! They lie in shards, one for each thread as far as they reach, so that threads do not contend for
//! a lock; one sequence number for all of them tells what came last. No lock is held while code that
//! is not ours runs, destructors included.

use std::sync::{PoisonError, TryLockError};
use std::time::Duration;

use super::cleanup::{Cleanup, Held};
use super::sys;
#[cfg(feature = "tokio")]
use crate::report::Ended;
use crate::site::Site;
use crate::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Instant, Mutex, MutexGuard, yield_now};

/// More than most programs have threads that register at the same time.
pub(super) const SHARDS: usize = if cfg!(all(test, backstop_loom)) { 2 } else { 32 };

/// How long somebody may hold a shard's lock, which is for some tens of instructions, before the
/// thread is taken for one that will not go on.
const PATIENCE: Duration = Duration::from_millis(100);

/// Where an entry lies. The sequence number tells it from a later one at the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    shard: u32,
    slot: u32,
    /// From 1 on, and it does not come round.
    pub(super) sequence: u64,
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
    /// The thread whose statement is still making what it is for.
    pub(super) maker: Option<usize>,
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
    /// The thread that opened the last one, by the kernel's number.
    announcer: AtomicU32,
}

impl Registry {
    pub(super) fn new() -> Self {
        let shard = |_| Shard {
            list: Mutex::new(List::new()),
            announced: AtomicUsize::new(0),
            announcer: AtomicU32::new(0),
        };
        Self { shards: std::array::from_fn(shard), next: AtomicU64::new(1) }
    }

    /// A shard is named by any number; they come round.
    #[inline]
    fn shard(&self, shard: u32) -> &Shard {
        &self.shards[shard as usize % SHARDS]
    }

    /// Whoever holds the lock soon lets go of it: no code but this file's runs under it.
    #[inline]
    fn lock(&self, shard: u32) -> MutexGuard<'_, List> {
        self.shard(shard).list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock, as long as waiting makes sense: its holder may be a thread that aborted, or, in a
    /// forked child, one that does not exist.
    fn try_lock(&self, shard: u32, patience: Duration) -> Option<MutexGuard<'_, List>> {
        let until = Instant::now().checked_add(patience);
        loop {
            match self.shard(shard).list.try_lock() {
                Ok(list) => return Some(list),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
            if until.is_none_or(|until| Instant::now() >= until) {
                return None;
            }
            yield_now();
        }
    }

    /// The number of the next entry.
    pub(super) fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// Adds an armed cleanup.
    #[allow(
        clippy::inline_always,
        reason = "called, it copies the cleanup: up to 22 instructions of 200"
    )]
    #[inline(always)]
    pub(super) fn insert(&self, shard: u32, site: &'static Site, cleanup: Cleanup) -> Place {
        let mut list = self.lock(shard);
        let sequence = self.next.fetch_add(1, Ordering::Relaxed);
        let slot = list.insert(sequence, site, cleanup);
        Place { shard, slot, sequence }
    }

    /// Adds one for what a statement of this thread is about to make.
    pub(super) fn insert_making(&self, shard: u32, site: &'static Site, cleanup: Cleanup) -> Place {
        let mut list = self.lock(shard);
        let sequence = self.next.fetch_add(1, Ordering::Relaxed);
        let slot = list.insert(sequence, site, cleanup);
        list.making.push(Making { slot, sequence, thread: sys::this_thread() });
        Place { shard, slot, sequence }
    }

    /// The statement goes on, on this thread, after it was suspended, unless somebody has taken the entry.
    pub(super) fn making_again(&self, place: Place) -> bool {
        let mut list = self.lock(place.shard);
        let is_armed = list.slot(place).is_some_and(|slot| slot.cleanup.is_some());
        if is_armed {
            let Place { slot, sequence, .. } = place;
            let at = list.making.partition_point(|making| making.sequence < sequence);
            list.making.insert(at, Making { slot, sequence, thread: sys::this_thread() });
        }
        is_armed
    }

    /// The statement has come to its end, or is suspended. Takes the entry for this thread, if `is_late`, which is
    /// asked under the lock: the hook, which changes its phase first and locks then, either finds it
    /// here as any other or has it taken here.
    pub(super) fn made(&self, place: Place, is_late: impl FnOnce() -> bool) -> Option<Taken> {
        let mut list = self.lock(place.shard);
        list.making.retain(|making| making.sequence != place.sequence);
        if is_late() { list.taken(place) } else { None }
    }

    /// Whether an entry is still there, armed or running, as far as one can tell.
    pub(super) fn has(&self, place: Place) -> bool {
        let list = self.try_lock(place.shard, PATIENCE);
        list.is_none_or(|mut list| list.slot(place).is_some())
    }

    /// Adds an entry that another thread is running, or a task.
    #[cfg(feature = "tokio")]
    pub(super) fn insert_running(&self, shard: u32, site: &'static Site, runner: usize) -> Place {
        let mut list = self.lock(shard);
        let sequence = self.next.fetch_add(1, Ordering::Relaxed);
        let slot = list.insert(sequence, site, Cleanup::new(|| Ended::WELL));
        let place = Place { shard, slot, sequence };
        let _ = list.take_as(place, runner);
        place
    }

    /// Removes an entry that is still armed.
    #[inline]
    pub(super) fn withdraw(&self, place: Place) -> Option<Cleanup> {
        self.lock(place.shard).withdraw(place)
    }

    /// As [`withdraw`](Self::withdraw), where the lock may be nobody's.
    pub(super) fn withdraw_forked(&self, place: Place) -> Option<Cleanup> {
        self.try_lock(place.shard, PATIENCE)?.withdraw(place)
    }

    /// Gives an entry that is still armed to this thread to run.
    pub(super) fn take(&self, place: Place) -> Option<Cleanup> {
        self.lock(place.shard).take(place)
    }

    /// An entry was run to its end.
    pub(super) fn finish(&self, place: Place) {
        self.lock(place.shard).finish(place);
    }

    /// Takes the entry that was registered last over all shards, as far as they can be locked. For
    /// the hook only, from when nothing is armed any more.
    pub(super) fn take_newest(&self) -> Option<Taken> {
        self.take_last(List::newest)
    }

    /// The same of those whose thing is still being made, by a thread that `may_be_overtaken`.
    pub(super) fn take_newest_making(
        &self,
        may_be_overtaken: impl Fn(usize) -> bool,
    ) -> Option<Taken> {
        self.take_last(|list| list.newest_making(&may_be_overtaken))
    }

    fn take_last(&self, of: impl Fn(&mut List) -> Option<(u32, u64)>) -> Option<Taken> {
        loop {
            let newest = self
                .numbers()
                .filter_map(|shard| {
                    let (slot, sequence) = of(&mut *self.try_lock(shard, PATIENCE)?)?;
                    Some(Place { shard, slot, sequence })
                })
                .max_by_key(|place| place.sequence)?;
            // Its owner may have been faster; then look again.
            if let Some(taken) = self.try_lock(newest.shard, PATIENCE)?.taken(newest) {
                return Some(taken);
            }
        }
    }

    /// Calls `each` for all entries; returns how many shards could not be locked at once.
    pub(super) fn scan(&self, mut each: impl FnMut(Left)) -> usize {
        let mut locked = 0;
        for shard in self.numbers() {
            match self.try_lock(shard, Duration::ZERO) {
                Some(list) => list.scan(&mut each),
                None => locked += 1,
            }
        }
        locked
    }

    #[allow(clippy::cast_possible_truncation, reason = "a small number")]
    fn numbers(&self) -> std::ops::Range<u32> {
        0..self.shards.len() as u32
    }

    /// Opens an announcement of a thread in a shard.
    #[inline]
    pub(super) fn announce(&self, shard: u32, task: u32) {
        let shard = self.shard(shard);
        shard.announcer.store(task, Ordering::Relaxed);
        // Sequentially consistent, against the hook that changes its phase and then counts.
        shard.announced.fetch_add(1, Ordering::SeqCst);
    }

    /// Ends one.
    #[inline]
    pub(super) fn announced(&self, shard: u32) {
        self.shard(shard).announced.fetch_sub(1, Ordering::SeqCst);
    }

    /// How many are open.
    pub(super) fn announcements(&self) -> usize {
        self.shards.iter().map(|shard| shard.announced.load(Ordering::SeqCst)).sum()
    }

    /// Whether a thread that has one open is not blocked. Where several threads of one shard have, it is the
    /// last of them that is looked at.
    pub(super) fn is_announcer_at_work(&self) -> bool {
        let open = self.shards.iter().filter(|shard| shard.announced.load(Ordering::SeqCst) > 0);
        open.into_iter().any(|shard| sys::is_at_work(shard.announcer.load(Ordering::Relaxed)))
    }
}

/// No slot.
const NONE: usize = usize::MAX;

struct Slot {
    /// 0 while it is free.
    sequence: u64,
    site: &'static Site,
    /// There while it is armed.
    cleanup: Held,
    /// While it is running, the thread that runs it; while it is free, the next free one.
    runner: usize,
}

/// An entry whose thing is still being made.
struct Making {
    slot: u32,
    sequence: u64,
    thread: usize,
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
    /// In the order of registration. A running one may be among them.
    making: Vec<Making>,
}

impl List {
    const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            order: Vec::new(),
            is_ordered: false,
            making: Vec::new(),
        }
    }

    #[inline]
    fn insert(&mut self, sequence: u64, site: &'static Site, cleanup: Cleanup) -> u32 {
        let index = self.free;
        let Some(slot) = self.slots.get_mut(index) else {
            return self.push(sequence, site, cleanup);
        };
        self.free = slot.runner;
        slot.sequence = sequence;
        slot.site = site;
        slot.cleanup.put(cleanup);
        #[allow(clippy::cast_possible_truncation, reason = "`push` sees to it")]
        let index = index as u32;
        index
    }

    /// As [`insert`](Self::insert), where no slot is free.
    #[cold]
    #[inline(never)]
    fn push(&mut self, sequence: u64, site: &'static Site, cleanup: Cleanup) -> u32 {
        let index = u32::try_from(self.slots.len()).expect("too many cleanups");
        let mut held = Held::empty();
        held.put(cleanup);
        self.slots.push(Slot { sequence, site, cleanup: held, runner: NONE });
        self.order.reserve(self.slots.len() - self.order.len());
        index
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
        self.take_as(place, sys::this_thread())
    }

    fn take_as(&mut self, place: Place, runner: usize) -> Option<Cleanup> {
        let slot = self.slot(place)?;
        let cleanup = slot.cleanup.take()?;
        slot.runner = runner;
        Some(cleanup)
    }

    fn taken(&mut self, place: Place) -> Option<Taken> {
        let site = self.slot(place)?.site;
        Some(Taken { place, site, cleanup: self.take(place)? })
    }

    fn finish(&mut self, place: Place) {
        let free = self.free;
        if let Some(slot) = self.slot(place).filter(|slot| !slot.cleanup.is_some()) {
            slot.sequence = 0;
            slot.runner = free;
            self.free = place.slot as usize;
        }
    }

    /// The armed slot with the highest number, but of none that is being made: who makes it takes it
    /// from now on. From the first call on, no other may be armed.
    fn newest(&mut self) -> Option<(u32, u64)> {
        let Self { slots, order, is_ordered, making, .. } = self;
        let is_armed = |slot: &Slot| {
            slot.cleanup.is_some() && making.iter().all(|making| making.sequence != slot.sequence)
        };
        if !*is_ordered {
            *is_ordered = true;
            let armed = (0..).zip(slots.iter()).filter(|(_, slot)| is_armed(slot));
            order.extend(armed.map(|(index, _)| index));
            order.sort_unstable_by_key(|index| slots[*index as usize].sequence);
        }
        // Those that their owners were faster to take, or that were taken, are in there still; what
        // has their place now may be one that is being made.
        while let Some(index) = order.last() {
            let slot = &slots[*index as usize];
            if is_armed(slot) {
                return Some((*index, slot.sequence));
            }
            order.pop();
        }
        None
    }

    /// The armed slot with the highest number of those being made by such threads.
    fn newest_making(&mut self, by: &impl Fn(usize) -> bool) -> Option<(u32, u64)> {
        let Self { slots, making, .. } = self;
        let is_armed = |making: &Making| {
            let slot = slots.get(making.slot as usize);
            slot.is_some_and(|slot| slot.sequence == making.sequence && slot.cleanup.is_some())
        };
        let last = making.iter().rev().find(|making| by(making.thread) && is_armed(making))?;
        Some((last.slot, last.sequence))
    }

    fn scan(&self, each: &mut impl FnMut(Left)) {
        for &Slot { sequence, site, ref cleanup, runner } in &self.slots {
            if sequence == 0 {
                continue;
            }
            let runner = (!cleanup.is_some()).then_some(runner);
            let making = self.making.iter().find(|making| making.sequence == sequence);
            let maker = making.map(|making| making.thread);
            each(Left { sequence, site, runner, maker });
        }
    }
}

#[cfg(all(test, not(backstop_loom)))]
mod tests;
