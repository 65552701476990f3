//! Models of a scope of threads: see [`crate::sync`].

use std::panic::{Location, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread::{self, Thread};

use super::super::handle::Claim;
use super::super::shared::Shared;
use super::super::{Options, child};
use super::{Children, Join};
use crate::CancelToken;
use crate::sync::model;

/// A thread of a model, under the name of the one that all of them are.
struct Modelled(loom::thread::JoinHandle<()>, Thread);

impl Join for Modelled {
    fn thread(&self) -> &Thread {
        &self.1
    }

    fn join(self) -> thread::Result<()> {
        self.0.join()
    }
}

type Scope = Arc<Children<Modelled>>;

fn scope(options: Options) -> Scope {
    let options = options.child_of(&CancelToken::new());
    Arc::new(Children::new(Arc::new(Shared::new(&options, Location::caller()))))
}

/// Spawns a child as a scope does.
#[track_caller]
fn spawn<T: 'static>(scope: &Scope, f: impl FnOnce() -> T + 'static) -> Claim<Modelled, T> {
    child::launch(
        scope,
        Location::caller(),
        |_| false,
        f,
        |run| Ok(Modelled(loom::thread::spawn(move || run.run()), thread::current())),
    )
    .unwrap()
}

#[test]
fn a_child_that_is_spawned_while_the_scope_closes_is_joined() {
    model(|| {
        let (scope, ended) = (scope(Options::new()), Arc::new(AtomicUsize::new(0)));
        let (siblings, count) = (Arc::clone(&scope), Arc::clone(&ended));
        spawn(&scope, move || {
            let last = Arc::clone(&count);
            spawn(&siblings, move || last.fetch_add(1, SeqCst));
            count.fetch_add(1, SeqCst);
        });
        scope.join_all();
        assert_eq!(ended.load(SeqCst), 2);
        assert!(scope.table().entries.is_empty());
    });
}

#[test]
fn a_child_is_joined_once_by_its_handle_or_by_the_scope() {
    model(|| {
        let scope = scope(Options::new());
        let first = spawn(&scope, || 1);
        spawn(&scope, move || assert_eq!(first.join().unwrap(), 1));
        scope.join_all();
        assert!(scope.shared().take_panics().is_empty());
    });
}

#[test]
fn a_child_that_ends_before_it_is_listed_is_joined() {
    model(|| {
        let scope = scope(Options::new());
        let siblings = Arc::clone(&scope);
        spawn(&scope, move || drop(spawn(&siblings, || ())));
        scope.reap();
        scope.join_all();
        assert!(scope.table().entries.is_empty());
    });
}

#[test]
fn no_more_children_run_than_the_limit_allows_and_no_place_is_lost() {
    model(|| {
        let scope = scope(Options::new().limit(1));
        let running = Arc::new(AtomicUsize::new(0));
        for _ in 0..2 {
            let running = Arc::clone(&running);
            spawn(&scope, move || {
                assert_eq!(running.fetch_add(1, SeqCst), 0);
                loom::thread::yield_now();
                running.fetch_sub(1, SeqCst);
            });
        }
        scope.join_all();
        assert!(scope.shared().try_take_place());
        assert!(scope.shared().take_panics().is_empty());
    });
}

#[test]
fn two_spawners_do_not_get_the_same_place() {
    model(|| {
        let scope = scope(Options::new().limit(1));
        let shared = Arc::clone(scope.shared());
        let other = loom::thread::spawn(move || shared.try_take_place());
        let taken = scope.shared().try_take_place();
        assert!(taken != other.join().unwrap());
    });
}

#[test]
fn a_child_that_spawns_and_joins_another_lends_it_its_place() {
    model(|| {
        let scope = scope(Options::new().limit(1));
        let siblings = Arc::clone(&scope);
        let parent = spawn(&scope, move || spawn(&siblings, || 1).join().unwrap());
        assert_eq!(parent.join().unwrap(), 1);
        scope.join_all();
        assert!(scope.shared().try_take_place());
    });
}

/// Whoever is first, the child or the handle that is dropped.
#[test]
fn the_panic_of_a_child_whose_handle_goes_is_kept_for_the_scope() {
    model(|| {
        let scope = scope(Options::new());
        drop(spawn(&scope, || resume_unwind(Box::new("kept"))));
        scope.join_all();
        let panics = scope.shared().take_panics();
        assert_eq!(panics.len(), 1);
        for panicked in panics {
            assert_eq!(panicked.into_payload().downcast_ref(), Some(&"kept"));
        }
        assert!(scope.shared().token().is_cancelled());
    });
}

#[test]
fn the_first_of_two_panics_is_kept_and_the_other_one_reported() {
    static REPORTED: AtomicUsize = AtomicUsize::new(0);
    static KEPT: AtomicUsize = AtomicUsize::new(0);
    crate::set_observer(|event| {
        assert_eq!(event.message, "lost?");
        REPORTED.fetch_add(1, SeqCst);
    });
    model(|| {
        let before = KEPT.load(SeqCst) + REPORTED.load(SeqCst);
        let scope = scope(Options::new());
        for _ in 0..2 {
            drop(spawn(&scope, || resume_unwind(Box::new("lost?"))));
        }
        scope.join_all();
        let kept = scope.shared().take_panics();
        assert!(!kept.is_empty() && kept.iter().all(|panicked| panicked.settled));
        KEPT.fetch_add(kept.len(), SeqCst);
        assert_eq!(KEPT.load(SeqCst) + REPORTED.load(SeqCst), before + 2);
    });
}
