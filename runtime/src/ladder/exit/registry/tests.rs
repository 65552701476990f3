use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::thread;

use super::*;
use crate::report::Ended;

static SITE: Site = Site::new("test");

fn nothing() -> Cleanup {
    Cleanup::new(|| Ended::WELL)
}

fn arm(registry: &Registry, shard: u32) -> Place {
    registry.insert(shard, &SITE, nothing())
}

fn left(registry: &Registry) -> Vec<(u64, bool)> {
    let mut left = Vec::new();
    assert_eq!(registry.scan(|entry| left.push((entry.sequence, entry.runner.is_some()))), 0);
    left.sort_unstable();
    left
}

#[test]
fn the_newest_of_all_shards_is_taken_first() {
    let registry = Registry::new();
    let places = [3, 0, 3, 31, 0].map(|shard| arm(&registry, shard));
    let taken = std::iter::from_fn(|| registry.take_newest().map(|taken| taken.place));
    assert_eq!(taken.collect::<Vec<_>>(), places.into_iter().rev().collect::<Vec<_>>());
    assert_eq!(left(&registry).iter().filter(|(_, running)| *running).count(), 5);
    for place in places {
        registry.finish(place);
    }
    assert_eq!(left(&registry), []);
}

#[test]
fn an_entry_is_taken_or_withdrawn_once() {
    let registry = Registry::new();
    let place = arm(&registry, 0);
    assert!(registry.take(place).is_some());
    assert!(registry.take(place).is_none());
    assert!(registry.withdraw(place).is_none());
    registry.finish(place);
    registry.finish(place);
    assert!(registry.withdraw(place).is_none());
}

#[test]
fn a_place_that_was_used_again_is_somebody_elses() {
    let registry = Registry::new();
    let first = arm(&registry, 0);
    assert!(registry.withdraw(first).is_some());
    let second = arm(&registry, 0);
    assert_eq!(first.slot, second.slot, "the slot is used again");
    assert!(registry.withdraw(first).is_none());
    registry.finish(first);
    assert!(registry.withdraw(second).is_some());
}

#[test]
fn entries_in_the_middle_can_go_and_their_slots_come_back() {
    let registry = Registry::new();
    let mut places: Vec<Place> = (0..6).map(|_| arm(&registry, 1)).collect();
    assert!(registry.withdraw(places[2]).is_some());
    for running in [1, 3, 4] {
        assert!(registry.take(places[running]).is_some());
    }
    registry.finish(places[3]);
    assert_eq!(left(&registry), [(1, false), (2, true), (5, true), (6, false)]);
    places.push(arm(&registry, 1));
    assert_eq!(places[6].slot, places[3].slot, "a newer one in a lower slot");
    assert_eq!(registry.take_newest().map(|taken| taken.place), Some(places[6]));
    assert_eq!(registry.take_newest().map(|taken| taken.place), Some(places[5]));
    assert_eq!(registry.take_newest().map(|taken| taken.place), Some(places[0]));
    assert!(registry.take_newest().is_none());
}

/// It comes from a thread that is about to take it itself, as the hook has begun.
#[test]
fn what_is_armed_after_the_hook_has_asked_is_left_to_its_owner() {
    let registry = Registry::new();
    arm(&registry, 2);
    assert!(registry.take_newest().is_some());
    let late = arm(&registry, 2);
    assert!(registry.take_newest().is_none());
    assert_eq!(left(&registry), [(1, true), (2, false)]);
    assert!(registry.take(late).is_some());
    assert_eq!(left(&registry), [(1, true), (2, true)]);
}

#[test]
fn a_locked_shard_is_counted_and_the_others_are_served() {
    let registry = Registry::new();
    arm(&registry, 0);
    let open = arm(&registry, 1);
    let lock = registry.lock(0);
    assert_eq!(registry.scan(|_| {}), 1);
    assert_eq!(registry.take_newest().map(|taken| taken.place), Some(open));
    drop(lock);
    assert_eq!(registry.scan(|_| {}), 0);
}

/// Owners withdraw while somebody takes the newest: each cleanup goes to exactly one of them.
#[test]
fn every_entry_goes_to_its_owner_or_to_the_hook_and_never_to_both() {
    const EACH: u32 = 2_000;
    let registry = Registry::new();
    let ran = Arc::new(AtomicU32::new(0));
    let arm = |shard| {
        let ran = Arc::clone(&ran);
        let cleanup = Cleanup::new(move || {
            ran.fetch_add(1, Ordering::Relaxed);
            Ended::WELL
        });
        registry.insert(shard, &SITE, cleanup)
    };
    let places = [0, 1].map(|shard| (0..EACH).map(|_| arm(shard)).collect::<Vec<_>>());
    thread::scope(|s| {
        for places in places {
            s.spawn(|| {
                for place in places {
                    if let Some(cleanup) = registry.take(place) {
                        cleanup.run();
                        registry.finish(place);
                    }
                }
            });
        }
        while let Some(taken) = registry.take_newest() {
            taken.cleanup.run();
            registry.finish(taken.place);
        }
    });
    assert_eq!(ran.load(Ordering::Relaxed), 2 * EACH);
    assert_eq!(left(&registry), []);
}

/// A thread that is none.
const NOBODY: fn(usize) -> bool = |_| false;

#[test]
fn what_is_being_made_is_taken_by_its_maker_alone_or_as_the_last() {
    let registry = Registry::new();
    let made = arm(&registry, 1);
    let places = [1, 2].map(|shard| registry.insert_making(shard, &SITE, nothing()));
    assert_eq!(registry.take_newest().map(|taken| taken.place), Some(made));
    assert!(registry.take_newest().is_none());
    assert!(registry.take_newest_making(NOBODY).is_none());
    assert!(registry.made(places[0], || true).is_some());
    let this = sys::this_thread();
    let last = registry.take_newest_making(|thread| thread == this);
    assert_eq!(last.map(|taken| taken.place), Some(places[1]));
    assert!(registry.take_newest_making(|_| true).is_none());
    assert!(registry.made(places[1], || true).is_none(), "it was taken");
}

#[test]
fn what_was_made_in_time_is_one_like_any_other() {
    let registry = Registry::new();
    let place = registry.insert_making(0, &SITE, nothing());
    assert!(registry.made(place, || false).is_none());
    assert!(registry.take_newest_making(|_| true).is_none());
    assert_eq!(registry.take_newest().map(|taken| taken.place), Some(place));
}

#[test]
fn what_is_being_made_in_the_place_of_another_is_not_taken_for_that() {
    let registry = Registry::new();
    let [first, second] = [0, 0].map(|shard| arm(&registry, shard));
    assert_eq!(registry.take_newest().map(|taken| taken.place), Some(second));
    assert!(registry.withdraw(first).is_some());
    let making = registry.insert_making(0, &SITE, nothing());
    assert_eq!(first.slot, making.slot, "the slot is used again");
    assert!(registry.take_newest().is_none());
}

#[test]
fn an_entry_is_there_until_it_was_run_to_its_end() {
    let registry = Registry::new();
    let place = arm(&registry, 0);
    assert!(registry.has(place));
    assert!(registry.take(place).is_some());
    assert!(registry.has(place));
    registry.finish(place);
    assert!(!registry.has(place));
}
