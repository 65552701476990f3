//! Models of the exit hook: threads that register, run and make things while the process ends. See
//! [`crate::sync`].

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use loom::thread::{self, JoinHandle};

use super::super::current::CURRENT;
use super::super::phase::Cause;
#[cfg(feature = "tokio")]
use super::super::underway::{self, Runner};
use super::super::{announce, conductor, register};
use super::Hook;
use crate::ladder::exit::Cleanup;
use crate::report::Ended;
use crate::site::Site;
use crate::sync::{model, runs_to_its_end};

static SITE: Site = Site::new("modelled");

/// Runs a model with a hook of its own. There is one hook at a time.
fn with_hook(f: impl Fn(&'static Hook) + Send + Sync + 'static) {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    model(move || {
        super::thread::NEXT.store(1, SeqCst);
        CURRENT.clear();
        f(CURRENT.set(Box::leak(Box::new(Hook::new()))));
    });
}

/// Ends the process; gives whether everything has ended then.
fn end(hook: &'static Hook) -> bool {
    hook.request(Cause::Call, Duration::from_secs(5));
    conductor::conduct(hook);
    hook.report.get().unwrap().is_complete()
}

/// A thread of the program, which may be held for ever; gives whether it was not.
fn spawn(f: impl FnOnce() + 'static) -> JoinHandle<bool> {
    thread::spawn(|| runs_to_its_end(f))
}

/// What is there, and how often each was removed.
#[derive(Clone, Default)]
struct Things(Arc<[AtomicUsize; 2]>);

impl Things {
    fn make(&self) {
        self.0[0].fetch_add(1, SeqCst);
    }

    fn made(&self) -> usize {
        self.0[0].load(SeqCst)
    }

    fn removed(&self) -> usize {
        self.0[1].load(SeqCst)
    }

    fn remove(&self) -> Cleanup {
        let things = self.clone();
        Cleanup::new(move || {
            thread::yield_now();
            things.0[1].fetch_add(1, SeqCst);
            Ended::WELL
        })
    }
}

#[test]
fn a_guard_and_the_hook_run_a_cleanup_once_and_the_guard_waits_for_it() {
    with_hook(|hook| {
        let things = Things::default();
        let entry = register(&SITE, things.remove());
        let seen = things.clone();
        let guard = spawn(move || {
            assert!(entry.run().0.is_none());
            assert_eq!(seen.removed(), 1);
        });
        assert!(end(hook));
        assert_eq!(things.removed(), 1);
        assert!(guard.join().unwrap());
        assert_eq!(things.removed(), 1);
    });
}

#[test]
fn a_withdrawn_cleanup_runs_at_most_once_and_never_after_the_end() {
    with_hook(|hook| {
        let things = Things::default();
        let entry = register(&SITE, things.remove());
        let guard = spawn(move || drop(entry));
        assert!(end(hook));
        let removed = things.removed();
        assert!(guard.join().unwrap());
        assert_eq!(things.removed(), removed);
    });
}

#[test]
fn what_is_registered_while_the_process_ends_runs_once() {
    with_hook(|hook| {
        let things = Things::default();
        let late = things.clone();
        // Its guard never runs: the thread is in the middle of something for ever.
        let thread = spawn(move || mem::forget(register(&SITE, late.remove())));
        assert!(end(hook));
        thread.join().unwrap();
        assert_eq!(things.removed(), 1);
    });
}

#[test]
fn what_was_announced_before_the_end_is_gone_at_the_end_and_nothing_is_made_behind_it() {
    with_hook(|hook| {
        let things = Things::default();
        let maker = things.clone();
        let thread = spawn(move || {
            let announced = announce();
            maker.make();
            mem::forget(announced.register(&SITE, maker.remove()));
        });
        assert!(end(hook));
        let at_the_end = (things.made(), things.removed());
        thread.join().unwrap();
        assert_eq!((things.made(), things.removed()), at_the_end);
        assert_eq!(at_the_end.0, at_the_end.1);
    });
}

#[test]
fn an_announcement_that_comes_to_nothing_does_not_keep_the_process() {
    with_hook(|hook| {
        let thread = spawn(|| drop(announce()));
        assert!(end(hook));
        thread.join().unwrap();
    });
}

#[test]
fn what_a_statement_is_making_is_removed_behind_it() {
    with_hook(|hook| {
        let things = Things::default();
        // Something for the hook to begin with.
        mem::forget(register(&SITE, Cleanup::new(|| Ended::WELL)));
        let maker = things.clone();
        let thread = spawn(move || {
            let seen = maker.clone();
            let remove = maker.remove();
            let cleanup = Cleanup::new(move || {
                assert_eq!(seen.made(), 1, "run before the thing was there");
                remove.run()
            });
            let entry = announce().register_making(&SITE, cleanup);
            let making = entry.making();
            maker.make();
            making.made();
            mem::forget(entry);
        });
        assert!(end(hook));
        let at_the_end = (things.made(), things.removed());
        thread.join().unwrap();
        assert_eq!((things.made(), things.removed()), at_the_end);
        assert_eq!(at_the_end.0, at_the_end.1);
    });
}

#[test]
fn a_statement_that_was_suspended_goes_on_before_its_cleanup_runs_or_not_at_all() {
    with_hook(|hook| {
        let things = Things::default();
        // Something for the hook to begin with.
        mem::forget(register(&SITE, Cleanup::new(|| Ended::WELL)));
        let (maker, seen) = (things.clone(), things.clone());
        // Removes what there is.
        let remove = Cleanup::new(move || {
            seen.0[1].fetch_add(seen.made(), SeqCst);
            Ended::WELL
        });
        let thread = spawn(move || {
            let entry = announce().register_making(&SITE, remove);
            let making = entry.making_in_turns();
            making.suspend();
            if making.resume() {
                maker.make();
                making.suspend();
                // Once more, which makes nothing.
                making.resume();
            }
            drop(making);
            mem::forget(entry);
        });
        assert!(end(hook));
        let at_the_end = (things.made(), things.removed());
        thread.join().unwrap();
        assert_eq!((things.made(), things.removed()), at_the_end);
        assert_eq!(at_the_end.0, at_the_end.1);
    });
}

#[test]
fn cleanups_of_two_threads_run_once_and_newest_first() {
    with_hook(|hook| {
        let order = Arc::new(Mutex::new(Vec::new()));
        let cleanup = |number| {
            let order = Arc::clone(&order);
            Cleanup::new(move || {
                order.lock().unwrap().push(number);
                Ended::WELL
            })
        };
        mem::forget(register(&SITE, cleanup(1)));
        let of_another = cleanup(2);
        let thread = spawn(move || mem::forget(register(&SITE, of_another)));
        thread.join().unwrap();
        let newest = register(&SITE, cleanup(3));
        let guard = spawn(move || assert!(newest.run().0.is_none()));
        assert!(end(hook));
        guard.join().unwrap();
        let order = order.lock().unwrap();
        // The newest one goes on beside the others where its guard has it.
        assert_eq!(order.len(), 3);
        assert!(order.iter().position(|it| *it == 2) < order.iter().position(|it| *it == 1));
    });
}

#[cfg(feature = "tokio")]
#[test]
fn what_is_under_way_elsewhere_is_waited_for() {
    with_hook(|hook| {
        let things = Things::default();
        let runs = underway::begin(&SITE, Runner::ANY);
        let runner = things.clone();
        let thread = spawn(move || {
            runner.make();
            drop(runs);
        });
        assert!(end(hook));
        assert_eq!(things.made(), 1);
        assert!(thread.join().unwrap());
    });
}

#[test]
fn who_asks_for_the_end_twice_gets_one() {
    with_hook(|hook| {
        let things = Things::default();
        mem::forget(register(&SITE, things.remove()));
        let other = spawn(move || {
            hook.request(Cause::Call, Duration::from_secs(1));
            conductor::conduct(hook);
            hook.ended.wait(0, None);
        });
        hook.request(Cause::Call, Duration::from_secs(1));
        conductor::conduct(hook);
        hook.ended.wait(0, None);
        assert!(hook.report.get().unwrap().is_complete());
        assert_eq!(things.removed(), 1);
        assert!(other.join().unwrap());
    });
}
