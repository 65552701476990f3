//! `Options::limit`: never more children at once, and no deadlock at any limit.

use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, mpsc};
use std::thread;

use backstop::scope::{OnFailure, Options, Scope};
use backstop::scoped_spawn;

/// How many are running, and how many were at most.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Gauge {
    fn run<T>(&self, f: impl FnOnce() -> T) -> T {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.peak.fetch_max(now, Ordering::SeqCst);
        let value = f();
        self.now.fetch_sub(1, Ordering::SeqCst);
        value
    }

    /// A child is not running while it blocks in `f`.
    fn pause<T>(&self, f: impl FnOnce() -> T) -> T {
        self.now.fetch_sub(1, Ordering::SeqCst);
        let value = f();
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.peak.fetch_max(now, Ordering::SeqCst);
        value
    }

    fn peak(&self) -> usize {
        self.peak.load(Ordering::SeqCst)
    }
}

#[test]
fn as_many_children_run_as_the_limit_allows_and_no_more() {
    const LIMIT: usize = 4;
    let gauge = Gauge::default();
    // Passed only by LIMIT children at once.
    let barrier = Barrier::new(LIMIT);
    Options::new().limit(LIMIT).run(|s| {
        for _ in 0..LIMIT * 5 {
            s.spawn(|| gauge.run(|| barrier.wait()));
        }
    });
    assert_eq!(gauge.peak(), LIMIT);
}

#[test]
fn without_a_limit_all_run_at_once() {
    let barrier = Barrier::new(40);
    backstop::scope(|s| {
        for _ in 0..40 {
            s.spawn(|| barrier.wait());
        }
    });
}

#[test]
fn spawn_blocks_until_a_child_ends() {
    Options::new().limit(1).run(|s| {
        let (go, wait) = mpsc::channel::<()>();
        let first = s.spawn(move || wait.recv().is_err());
        let ended = AtomicUsize::new(0);
        thread::scope(|std| {
            let spawner = std.spawn(|| {
                let second = s.spawn(|| ());
                ended.store(1, Ordering::SeqCst);
                second.join().unwrap();
            });
            (0..100).for_each(|_| thread::yield_now());
            assert_eq!(ended.load(Ordering::SeqCst), 0);
            drop(go);
            spawner.join().unwrap();
        });
        assert!(first.join().unwrap());
    });
}

/// A tree of children: each spawns two, joins one, and drops the other's handle.
fn tree<'scope>(s: &Scope<'scope, '_>, gauge: &'scope Gauge, depth: usize) {
    if depth == 0 {
        return;
    }
    let spawn = || {
        let siblings = s.clone();
        s.spawn(move || gauge.run(|| tree_in_child(&siblings, gauge, depth - 1)))
    };
    let joined = spawn();
    drop(spawn());
    joined.join().unwrap();
}

fn tree_in_child<'scope>(s: &Scope<'scope, '_>, gauge: &'scope Gauge, depth: usize) {
    gauge.pause(|| tree(s, gauge, depth));
}

#[test]
fn children_may_spawn_and_join_siblings_at_any_limit() {
    for limit in [1, 2, 3] {
        let gauge = Gauge::default();
        Options::new().limit(limit).run(|s| tree(s, &gauge, 5));
        assert!((1..=limit).contains(&gauge.peak()), "{} at a limit of {limit}", gauge.peak());
    }
}

/// The gauge of the tree above does not count a child between its spawns; this one does.
#[test]
fn a_child_takes_its_place_again_before_it_goes_on() {
    let gauge = Gauge::default();
    Options::new().limit(1).run(|s| {
        let siblings = s.clone();
        let gauge = &gauge;
        s.spawn(move || {
            gauge.run(|| ());
            for _ in 0..50 {
                let child = siblings.spawn(|| gauge.run(thread::yield_now));
                gauge.run(thread::yield_now);
                child.join().unwrap();
                gauge.run(thread::yield_now);
            }
        });
        // The body competes for the place.
        for _ in 0..50 {
            s.spawn(|| gauge.run(thread::yield_now));
        }
    });
    assert_eq!(gauge.peak(), 1);
}

#[test]
fn a_child_gives_up_its_place_while_it_joins() {
    Options::new().limit(2).run(|s| {
        let (go, wait) = mpsc::channel::<()>();
        let waiting = s.spawn(move || wait.recv().is_err());
        let joining = s.spawn(move || waiting.join().unwrap());
        // Both places are taken, until `joining` blocks; and it blocks until this one has run.
        s.spawn(move || drop(go));
        assert!(joining.join().unwrap());
    });
}

#[test]
fn a_child_gives_up_its_place_while_a_scope_of_its_own_ends() {
    let ended = AtomicUsize::new(0);
    Options::new().limit(1).run(|outer| {
        let siblings = outer.clone();
        let ended = &ended;
        outer.spawn(move || {
            backstop::scope(|inner| {
                inner.spawn(|| siblings.spawn(|| ended.fetch_add(1, Ordering::SeqCst)).join());
            });
        });
    });
    assert_eq!(ended.into_inner(), 1);
}

#[test]
fn places_are_given_back_on_panics() {
    let ended = AtomicUsize::new(0);
    let run = || {
        Options::new().limit(2).on_failure(OnFailure::Wait).run(|s| {
            for n in 0..20 {
                let siblings = s.clone();
                let ended = &ended;
                s.spawn(move || {
                    let inner = siblings.spawn(move || assert!(n % 3 != 0, "on purpose"));
                    let joined = inner.join();
                    ended.fetch_add(1, Ordering::SeqCst);
                    joined.unwrap();
                });
            }
        });
    };
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    assert_eq!(ended.into_inner(), 20);
}

#[test]
fn a_limit_of_zero_is_refused_with_a_reason() {
    let payload = catch_unwind(|| Options::new().limit(0)).unwrap_err();
    assert!(payload.downcast_ref::<&str>().unwrap().contains("limit of 0"));
}

#[test]
fn a_limit_of_zero_is_told_where_it_was_written() {
    static PLACE: Mutex<Option<(String, u32)>> = Mutex::new(None);

    #[scoped_spawn(limit = limit)]
    fn limited(limit: usize) {
        thread::spawn(|| ());
    }
    let line = line!() - 4;

    let before = panic::take_hook();
    let caller = thread::current().id();
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() == caller {
            let place = info.location().unwrap();
            *PLACE.lock().unwrap() = Some((place.file().to_owned(), place.line()));
        } else {
            before(info);
        }
    }));
    catch_unwind(|| limited(0)).unwrap_err();
    drop(panic::take_hook());
    assert_eq!(PLACE.lock().unwrap().take(), Some((file!().to_owned(), line)));
}
