//! Models of a scope of tasks: see [`crate::sync`]. Threads are tasks here, and spawners.

use std::future::poll_fn;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Poll, Waker};

use loom::future::block_on;
use loom::thread::{self, JoinHandle};

use super::{Abort, Entry, Key, Payload, Roll, Site};
use crate::sync::{Mutex, model};

/// How often a task was aborted.
#[derive(Clone, Default)]
struct Aborted(Arc<AtomicUsize>);

impl Abort for Aborted {
    fn abort(&self) {
        self.0.fetch_add(1, SeqCst);
    }
}

type Scope = Arc<Roll<Aborted, Arc<()>>>;

fn scope() -> Scope {
    Arc::new(Roll::new(Location::caller()))
}

fn site() -> Site {
    Site { name: None, location: Location::caller() }
}

/// Spawns a task as a scope does, which counts itself when it has ended.
fn spawn(scope: &Scope, ended: &Arc<AtomicUsize>, aborted: &Aborted) -> Option<JoinHandle<()>> {
    let key = scope.enter(Entry::default()).ok()?;
    let (roll, ended) = (Arc::clone(scope), Arc::clone(ended));
    let task = thread::spawn(move || {
        ended.fetch_add(1, SeqCst);
        roll.ended(key);
    });
    scope.spawned(key, aborted.clone());
    Some(task)
}

/// Waits as the scope's future does.
fn wait(scope: &Scope) {
    block_on(poll_fn(|cx| scope.poll_ended(cx)));
}

#[test]
fn a_task_that_is_spawned_while_the_scope_closes_is_waited_for_or_refused() {
    model(|| {
        let (scope, ended) = (scope(), Arc::new(AtomicUsize::new(0)));
        let (others, count) = (Arc::clone(&scope), Arc::clone(&ended));
        let other = thread::spawn(move || spawn(&others, &count, &Aborted::default()));
        wait(&scope);
        let waited_for = ended.load(SeqCst);
        let spawned = other.join().unwrap().map(|task| task.join().unwrap());
        assert_eq!(waited_for, usize::from(spawned.is_some()));
    });
}

#[test]
fn the_scope_wakes_for_the_last_task() {
    model(|| {
        let (scope, ended) = (scope(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..2 {
            assert!(spawn(&scope, &ended, &Aborted::default()).is_some());
        }
        wait(&scope);
        assert_eq!(ended.load(SeqCst), 2);
        assert!(scope.enter(Entry::default()).is_err());
    });
}

#[test]
fn a_task_that_is_spawned_while_the_others_are_aborted_is_aborted_once_or_refused() {
    model(|| {
        let (scope, aborted) = (scope(), Aborted::default());
        let (others, abort) = (Arc::clone(&scope), aborted.clone());
        let other = thread::spawn(move || {
            let key = others.enter(Entry::default()).ok()?;
            others.spawned(key, abort);
            Some(key)
        });
        scope.stop();
        let spawned = other.join().unwrap();
        assert_eq!(aborted.0.load(SeqCst), usize::from(spawned.is_some()));
        if let Some(key) = spawned {
            scope.ended(key);
        }
        wait(&scope);
    });
}

#[test]
fn a_dropped_scope_aborts_its_tasks_and_is_pending_until_the_last_one_has_ended() {
    model(|| {
        let (scope, ended, aborted) = (scope(), Arc::default(), Aborted::default());
        let task = spawn(&scope, &ended, &aborted).unwrap();
        let (others, count, abort) = (Arc::clone(&scope), Arc::clone(&ended), aborted.clone());
        let other = thread::spawn(move || spawn(&others, &count, &abort));
        let pending = Arc::new(());
        let remains = scope.abandon(|| Arc::clone(&pending));
        assert!(remains.is_some());
        if Arc::strong_count(&pending) == 1 {
            // Nobody is left, and nobody comes any more.
            assert!(scope.enter(Entry::default()).is_err());
            assert!(scope.state().children.is_empty());
        }
        let spawned = other.join().unwrap();
        let count = 1 + usize::from(spawned.is_some());
        task.join().unwrap();
        if let Some(task) = spawned {
            task.join().unwrap();
        }
        assert_eq!(ended.load(SeqCst), count);
        assert!(aborted.0.load(SeqCst) <= count);
        assert_eq!(Arc::strong_count(&pending), 1);
    });
}

/// The result of a task on its way to its handle, as tokio has it: there after the task has ended.
#[derive(Clone, Default)]
struct Outgoing(Arc<Mutex<(Option<Payload>, Option<Waker>)>>);

impl Outgoing {
    fn arrive(&self) {
        let mut state = self.0.lock().unwrap();
        state.0 = Some(Box::new("panic"));
        let waker = state.1.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }

    async fn wait(self) -> Option<Payload> {
        poll_fn(|cx| {
            let mut state = self.0.lock().unwrap();
            state.1 = Some(cx.waker().clone());
            state.0.take().map_or(Poll::Pending, |payload| Poll::Ready(Some(payload)))
        })
        .await
    }
}

/// What a task does with its panic, and the handle, which is dropped meanwhile.
fn panics_while_its_handle_goes(scope: &Scope, key: Key) -> (JoinHandle<()>, JoinHandle<bool>) {
    let result = Outgoing::default();
    let (roll, outgoing) = (Arc::clone(scope), result.clone());
    let task = thread::spawn(move || {
        let to_handle = roll.deliver(key);
        if !to_handle {
            assert!(roll.panicked(site(), Box::new("panic")).is_none());
        }
        roll.ended(key);
        if to_handle {
            outgoing.arrive();
        }
    });
    let roll = Arc::clone(scope);
    let handle = thread::spawn(move || {
        if !roll.handle_gone(key) {
            return false;
        }
        let given_back = roll.orphan(site(), Box::pin(result.wait()));
        given_back.is_some_and(|(_, orphan)| block_on(orphan).is_some())
    });
    (task, handle)
}

#[test]
fn the_panic_of_a_task_whose_handle_goes_is_the_scopes_or_given_back() {
    model(|| {
        let scope = scope();
        let key = scope.enter(Entry::default()).unwrap();
        let (task, handle) = panics_while_its_handle_goes(&scope, key);
        wait(&scope);
        let kept = scope.take_failures().0.len();
        task.join().unwrap();
        let given_back = handle.join().unwrap();
        assert_eq!(kept + usize::from(given_back), 1);
    });
}

#[test]
fn a_result_that_comes_to_the_scope_while_it_polls_another_is_polled_too() {
    model(|| {
        let (scope, first, second) = (scope(), Outgoing::default(), Outgoing::default());
        first.arrive();
        assert!(scope.orphan(site(), Box::pin(first.wait())).is_none());
        let roll = Arc::clone(&scope);
        let handle = thread::spawn(move || {
            let given_back = roll.orphan(site(), Box::pin(second.clone().wait()));
            second.arrive();
            given_back.is_some()
        });
        wait(&scope);
        let kept = scope.take_failures().0.len();
        assert_eq!(kept + usize::from(handle.join().unwrap()), 2);
    });
}

#[test]
fn the_panic_of_a_task_of_a_dropped_scope_whose_handle_goes_is_given_back() {
    model(|| {
        let scope = scope();
        let key = scope.enter(Entry::default()).unwrap();
        let reported = Arc::new(AtomicBool::new(false));
        let result = Outgoing::default();
        let (roll, outgoing, report) = (Arc::clone(&scope), result.clone(), Arc::clone(&reported));
        let task = thread::spawn(move || {
            if roll.deliver(key) {
                roll.ended(key);
                outgoing.arrive();
            } else {
                report.store(roll.panicked(site(), Box::new("panic")).is_some(), SeqCst);
                roll.ended(key);
            }
        });
        let remains = scope.abandon(Arc::default).unwrap();
        assert!(remains.orphans.is_empty() && remains.panics.is_empty());
        let given_back = if scope.handle_gone(key) {
            let (_, orphan) = scope.orphan(site(), Box::pin(result.wait())).unwrap();
            block_on(orphan).is_some()
        } else {
            false
        };
        task.join().unwrap();
        assert!(given_back != reported.load(SeqCst), "{given_back}");
    });
}
