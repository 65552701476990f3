//! A hundred thousand tasks that fail, panic, are aborted and dropped: every cleanup that was owed ran,
//! exactly once.

use std::future::pending;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

use backstop::must_cleanup;
use backstop::scope::{OnFailure, Options};
use backstop_tests_tokio::{drained, events};
use tokio::task::yield_now;

const TASKS: usize = 100_000;
const SCOPES: usize = 100;

/// What each task owes and what ran of it, two cleanups each.
struct Account {
    owed: Vec<AtomicU8>,
    ran: Vec<AtomicU8>,
    alive: AtomicUsize,
}

impl Account {
    fn new() -> Self {
        let zeros = || (0..2 * TASKS).map(|_| AtomicU8::new(0)).collect();
        Self { owed: zeros(), ran: zeros(), alive: AtomicUsize::new(0) }
    }

    fn owes(&self, cleanup: usize) {
        self.owed[cleanup].fetch_add(1, Ordering::Relaxed);
    }

    fn runs(&self, cleanup: usize) {
        self.ran[cleanup].fetch_add(1, Ordering::Relaxed);
    }
}

struct Alive(Arc<Account>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A number that looks random, the same for each task in every run.
fn scrambled(task: usize) -> usize {
    let mixed = (task as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    usize::try_from((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40)
        .expect("24 bits")
}

#[must_cleanup]
async fn work(task: usize, account: Arc<Account>) -> Result<usize, &'static str> {
    account.alive.fetch_add(1, Ordering::Relaxed);
    let _alive = Alive(Arc::clone(&account));
    let random = scrambled(task);
    account.owes(2 * task);
    #[cleanup(account.runs(*cleanup))]
    let cleanup = &(2 * task);
    let own = Arc::clone(&account);
    account.owes(2 * task + 1);
    #[cleanup(async {
        for _ in 0..random % 3 {
            yield_now().await;
        }
        own.runs(slow);
        assert!(random % 11 != 0, "in the cleanup");
    })]
    let slow = 2 * task + 1;
    for _ in 0..random % 5 {
        yield_now().await;
    }
    match random % 7 {
        0 => return Err("failed"),
        1 => panic!("panicked"),
        2 => pending().await,
        3 => Err("through question")?,
        _ => {}
    }
    Ok(*cleanup + *slow)
}

/// One scope, some of whose tasks are aborted by hand, and which may itself be dropped.
async fn scoped(first: usize, account: Arc<Account>) {
    let drops = scrambled(first) % 3 == 0;
    let options = Options::new().on_failure(OnFailure::Wait);
    let begun_all = Arc::new(AtomicBool::new(false));
    let has_begun = Arc::clone(&begun_all);
    let tasks = options.try_tokio(|s| async move {
        let mut handles = Vec::new();
        for task in first..first + TASKS / SCOPES {
            let handle = s.task().name("work").spawn(work(task, Arc::clone(&account)));
            match scrambled(task) % 4 {
                0 => drop(handle),
                1 => handle.abort(),
                _ => handles.push(handle),
            }
        }
        // All have begun that were not aborted before.
        let begun = || {
            let begins = |task: &usize| account.owed[2 * task].load(Ordering::Relaxed) > 0;
            let kept = |task: &usize| scrambled(*task) % 4 != 1;
            (first..first + TASKS / SCOPES).filter(kept).all(|task| begins(&task))
        };
        while !begun() {
            yield_now().await;
        }
        begun_all.store(true, Ordering::Relaxed);
        if drops {
            pending::<()>().await;
        }
        // Those that wait for ever.
        handles.iter().for_each(backstop::scope::TaskHandle::abort);
        s.cancel_token().cancel_with(backstop::CancelCause::SiblingFailed);
    });
    let mut tasks = Box::pin(tasks);
    if drops {
        let turns = async {
            while !has_begun.load(Ordering::Relaxed) {
                yield_now().await;
            }
        };
        tokio::select! {
            _ = &mut tasks => unreachable!("its body waits for ever"),
            () = turns => {}
        }
    } else {
        let _ = tasks.await;
    }
}

#[test]
fn every_cleanup_of_a_hundred_thousand_tasks_is_accounted_for() {
    // Thousands of panics, each of which is meant.
    panic::set_hook(Box::new(|_| {}));
    events(|_| false);
    let account = Arc::new(Account::new());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        for first in (0..TASKS).step_by(TASKS / SCOPES) {
            scoped(first, Arc::clone(&account)).await;
        }
        backstop::drain().await;
    });
    drained();
    assert_eq!(account.alive.load(Ordering::Relaxed), 0);
    drop(runtime);
    drained();
    let _ = panic::take_hook();
    let mut owed = 0;
    for (cleanup, (owes, ran)) in account.owed.iter().zip(&account.ran).enumerate() {
        let (times, ran) = (owes.load(Ordering::Relaxed), ran.load(Ordering::Relaxed));
        assert!(
            times <= 1 && times == ran,
            "cleanup {cleanup} was owed {times} and ran {ran} times"
        );
        owed += usize::from(times);
    }
    // Most tasks had begun; else this would prove nothing.
    assert!(owed > TASKS * 2 * 3 / 4 - TASKS / 100, "{owed} cleanups were owed");
}
