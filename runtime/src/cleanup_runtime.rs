//! The cleanup runtime: who brings `async` cleanups to their end that nobody awaits any more.
//!
//! A future that is dropped cannot wait, and its runtime may be on its way down itself: a task spawned
//! there from a destructor may be dropped unrun. So there is one thread of our own with a small runtime
//! on it, started when the first cleanup is handed over, and never ended. Cleanups of one call of a
//! function run in their order, one after the other; those of different calls side by side.

use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};
use tokio::sync::Notify;
use tokio::time::{Sleep, sleep_until};

use crate::event;
use crate::finish::Job;

#[derive(Default)]
struct State {
    /// What was handed over and has not ended: cleanups, and scopes whose tasks were aborted.
    pending: usize,
    /// What waits behind a cleanup of the same chain that runs.
    chains: HashMap<u64, VecDeque<(Job, Pending)>>,
}

static STATE: OnceLock<Mutex<State>> = OnceLock::new();
/// Threads and tasks that wait for `pending` to be none.
static DRAINED: Condvar = Condvar::new();
static DRAINED_ASYNC: Notify = Notify::const_new();

/// Held over none of the user's code, so never poisoned; `into_inner` for form's sake.
fn state() -> MutexGuard<'static, State> {
    STATE.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

/// The runtime, started where it is not; what keeps it from starting stays so.
pub(crate) fn handle() -> Result<&'static Handle, &'static io::Error> {
    static HANDLE: OnceLock<io::Result<Handle>> = OnceLock::new();
    HANDLE.get_or_init(start).as_ref()
}

fn start() -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new().name("backstop-cleanup".to_owned()).spawn(move || {
        runtime.block_on(std::future::pending::<()>());
    })?;
    Ok(handle)
}

/// Takes a cleanup over from whoever should have awaited it. Never panics, never waits.
pub(crate) fn hand_over(chain: u64, job: Job) {
    let handle = match handle() {
        Ok(handle) => handle,
        Err(error) => return job.abandon(&format!("the cleanup runtime did not start: {error}")),
    };
    let pending = Pending::new();
    let mut state = state();
    if let Some(waiting) = state.chains.get_mut(&chain) {
        waiting.push_back((job, pending));
        return;
    }
    state.chains.insert(chain, VecDeque::new());
    drop(state);
    handle.spawn(run(chain, (job, pending)));
}

async fn run(chain: u64, first: (Job, Pending)) {
    let mut next = Some(first);
    while let Some((mut job, pending)) = next {
        let ended = poll_fn(|cx| job.poll(cx)).await;
        if let Err(payload) = ended {
            event::discard(payload);
        }
        job.discard();
        let mut state = state();
        next = state.chains.get_mut(&chain).and_then(VecDeque::pop_front);
        if next.is_none() {
            state.chains.remove(&chain);
        }
        drop(state);
        drop(pending);
    }
}

/// Something that [`drain`] waits for.
pub(crate) struct Pending(());

impl Pending {
    pub(crate) fn new() -> Self {
        state().pending += 1;
        Self(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let mut state = state();
        state.pending -= 1;
        let drained = state.pending == 0;
        drop(state);
        if drained {
            DRAINED.notify_all();
            DRAINED_ASYNC.notify_waiters();
        }
    }
}

/// Waits until every `async` cleanup that was handed over has ended, and every task of a
/// [scope](crate::scope::tokio) that was dropped.
///
/// A cleanup is handed over when the future of its function is dropped or unwinds before the cleanup
/// could be awaited there. Call this at the end of the program: what is still pending when `main`
/// returns is lost, as all threads are. To limit the wait, put a timeout around it; the cleanups have
/// theirs by `timeout = ".."`.
///
/// It runs on any executor, and waits for cleanups that are handed over meanwhile, too.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use std::time::Duration;
///
/// use backstop::must_cleanup;
///
/// static SAID_GOODBYE: AtomicBool = AtomicBool::new(false);
///
/// #[must_cleanup]
/// async fn session() {
///     #[cleanup(async { SAID_GOODBYE.store(true, Ordering::Relaxed) }, timeout = "5s")]
///     let session = String::from("session");
///     tokio::time::sleep(Duration::from_secs(3600)).await;
///     println!("{session}");
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// // Cancelled in the middle: there is nobody left to await the goodbye.
/// assert!(tokio::time::timeout(Duration::from_millis(1), session()).await.is_err());
/// backstop::drain().await;
/// assert!(SAID_GOODBYE.load(Ordering::Relaxed));
/// # });
/// ```
pub async fn drain() {
    loop {
        let mut drained = pin!(DRAINED_ASYNC.notified());
        // Before the count is looked at, so that no end comes between.
        drained.as_mut().enable();
        if state().pending == 0 {
            return;
        }
        drained.await;
    }
}

/// Blocks until every `async` cleanup that was handed over has ended, and every task of a scope that was
/// dropped, or `limit` is over; gives how many cleanups and scopes have not ended.
///
/// The blocking form of [`drain`], for the end of a `main` that is not `async`. In a cleanup, which
/// would wait for itself, it takes all of `limit`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(backstop::drain_blocking(Duration::from_secs(5)), 0);
/// ```
#[must_use = "cleanups that have not ended are lost when the program ends"]
pub fn drain_blocking(limit: Duration) -> usize {
    let begun = Instant::now();
    let mut state = state();
    while state.pending > 0 {
        let left = limit.saturating_sub(begun.elapsed());
        if left.is_zero() {
            break;
        }
        state = DRAINED.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
    }
    state.pending
}

/// A deadline that any executor can wait for: the cleanup runtime keeps the time.
pub(crate) struct Timer(Pin<Box<Sleep>>);

impl Timer {
    pub(crate) fn new(deadline: Instant) -> Result<Self, &'static io::Error> {
        let _entered = handle()?.enter();
        Ok(Self(Box::pin(sleep_until(deadline.into()))))
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}
