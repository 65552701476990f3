//! Models of the cleanup queue: see [`crate::sync`].

use std::future::poll_fn;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use loom::future::block_on;
use loom::thread::{self, JoinHandle};

use super::Queue;
use crate::sync::model;

/// Longer than any model takes; loom's clocks do not run out anyway.
const LONG: Duration = Duration::from_secs(3600);

/// The numbers of the jobs that have ended, in their order.
type Ended = Arc<Mutex<Vec<u32>>>;

struct Work {
    queue: Queue<u32>,
    ended: Ended,
    running: AtomicUsize,
}

fn work() -> Arc<Work> {
    let running = AtomicUsize::new(0);
    Arc::new(Work { queue: Queue::new(), ended: Ended::default(), running })
}

/// As the cleanup runtime: gives the task that runs the chain, where there was none.
fn hand_over(work: &Arc<Work>, job: u32) -> Option<JoinHandle<()>> {
    work.queue.begin();
    let first = work.queue.push(7, job)?;
    let work = Arc::clone(work);
    Some(thread::spawn(move || {
        let mut next = Some(first);
        while let Some(job) = next {
            assert_eq!(work.running.fetch_add(1, SeqCst), 0, "two of a chain at once");
            thread::yield_now();
            work.ended.lock().unwrap().push(job);
            work.running.fetch_sub(1, SeqCst);
            next = work.queue.next(7);
            work.queue.end(Location::caller());
        }
    }))
}

fn drain(work: &Work) {
    let mut key = None;
    block_on(poll_fn(|cx| work.queue.poll_drained(cx, &mut key)));
    if let Some(key) = key {
        work.queue.leave(key);
    }
}

#[test]
fn what_is_handed_over_while_the_chain_goes_idle_runs_once_and_in_order() {
    model(|| {
        let work = work();
        let runners = [1, 2].map(|job| hand_over(&work, job));
        for runner in runners.into_iter().flatten() {
            runner.join().unwrap();
        }
        assert_eq!(*work.ended.lock().unwrap(), [1, 2]);
        assert!(work.queue.state().chains.is_empty());
        assert_eq!(work.queue.wait_drained(Duration::ZERO), 0);
    });
}

#[test]
fn what_was_handed_over_before_a_drain_has_ended_after_it() {
    model(|| {
        let work = work();
        hand_over(&work, 1);
        hand_over(&work, 2);
        drain(&work);
        assert_eq!(*work.ended.lock().unwrap(), [1, 2]);
    });
}

#[test]
fn what_is_handed_over_during_a_drain_is_waited_for_by_that_one_or_the_next() {
    model(|| {
        let work = work();
        hand_over(&work, 1);
        let others = Arc::clone(&work);
        let late = thread::spawn(move || drop(hand_over(&others, 2)));
        drain(&work);
        assert!(work.ended.lock().unwrap().contains(&1));
        late.join().unwrap();
        drain(&work);
        assert_eq!(work.ended.lock().unwrap().len(), 2);
        assert!(work.queue.state().waiting.is_empty());
    });
}

#[test]
fn all_threads_and_tasks_that_drain_are_woken() {
    model(|| {
        let work = work();
        hand_over(&work, 1);
        let others = Arc::clone(&work);
        let blocking = thread::spawn(move || others.queue.wait_drained(LONG));
        drain(&work);
        assert_eq!(blocking.join().unwrap(), 0);
        assert_eq!(*work.ended.lock().unwrap(), [1]);
    });
}

#[test]
fn a_drain_that_is_dropped_leaves_nothing_behind() {
    model(|| {
        let work = work();
        hand_over(&work, 1);
        let mut key = None;
        let cx = &mut Context::from_waker(Waker::noop());
        if work.queue.poll_drained(cx, &mut key).is_ready() {
            assert_eq!(*work.ended.lock().unwrap(), [1]);
        }
        if let Some(key) = key {
            work.queue.leave(key);
        }
        assert!(work.queue.state().waiting.is_empty());
        drain(&work);
    });
}
