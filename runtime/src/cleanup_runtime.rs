//! The cleanup runtime: who brings `async` cleanups to their end that nobody awaits any more.
//!
//! A future that is dropped cannot wait, and its runtime may be on its way down itself: a task spawned
//! there from a destructor may be dropped unrun. So there is one thread of our own with a small runtime
//! on it, started when the first cleanup is handed over, and never ended. Cleanups of one call of a
//! function run in their order, one after the other; those of different calls side by side.

mod queue;
mod timer;

use std::future::{Future, poll_fn};
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use std::{process, thread};

use tokio::runtime::{self, Builder, Handle};

use self::queue::Queue;
use crate::event;
use crate::finish::Job;
#[cfg(all(feature = "process", unix))]
use crate::ladder::exit::underway::{self, Runner, Underway};
use crate::site::Site;

/// Without the feature `process` nobody waits for anything at the end of the process.
#[cfg(not(all(feature = "process", unix)))]
mod underway {
    use std::thread::JoinHandle;

    use crate::site::Site;

    #[derive(Clone, Copy)]
    pub(super) struct Runner;

    impl Runner {
        pub(super) const ANY: Self = Self;

        pub(super) fn of<T>(_: &JoinHandle<T>) -> Self {
            Self
        }
    }

    pub(super) struct Underway;

    pub(super) fn begin(_: &'static Site, _: Runner) -> Underway {
        Underway
    }
}
#[cfg(not(all(feature = "process", unix)))]
use self::underway::{Runner, Underway};

pub(crate) use self::timer::Timer;

fn queue() -> &'static Queue<(Job, Pending)> {
    static QUEUE: OnceLock<Queue<(Job, Pending)>> = OnceLock::new();
    QUEUE.get_or_init(Queue::new)
}

/// The runtime, and its thread.
struct Runtime {
    handle: Handle,
    runner: Runner,
}

static RUNTIME: OnceLock<io::Result<Runtime>> = OnceLock::new();

/// The runtime, started where it is not; what keeps it from starting stays so.
fn runtime() -> Result<&'static Runtime, String> {
    if !claim() {
        return Err("a forked child has no cleanup runtime".to_owned());
    }
    let runtime = RUNTIME.get_or_init(start).as_ref();
    runtime.map_err(|error| format!("the cleanup runtime did not start: {error}"))
}

fn start() -> io::Result<Runtime> {
    let runtime = with_io()?;
    let handle = runtime.handle().clone();
    let forever = move || runtime.block_on(std::future::pending::<()>());
    let thread = thread::Builder::new().name("backstop-cleanup".to_owned()).spawn(forever)?;
    Ok(Runtime { handle, runner: Runner::of(&thread) })
}

/// A cleanup may open a connection of its own, where the program has tokio's I/O. That takes descriptors; where
/// there are none left, the others still have their runtime.
fn with_io() -> io::Result<runtime::Runtime> {
    let timed = |_| Builder::new_current_thread().enable_time().build();
    Builder::new_current_thread().enable_all().build().or_else(timed)
}

/// The process that the queue and the runtime belong to; 0 before the first use of them. In a process that
/// was forked from that one, their locks may be held by a thread that it does not have, and nobody touches
/// them: no lock would tell.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// Whether the queue and the runtime are this process's from now on.
fn claim() -> bool {
    // In this order with the locks, also for who looks at memory after a fork.
    let claimed = OWNER.compare_exchange(0, process::id(), Ordering::SeqCst, Ordering::SeqCst);
    claimed.is_ok() || is_owner()
}

/// Whether they are this process's; if not, it has begun nothing that could be waited for.
fn is_owner() -> bool {
    let owner = OWNER.load(Ordering::SeqCst);
    owner != 0 && owner == process::id()
}

/// The runtime's handle; an `Err` says why there is none.
pub(crate) fn handle() -> Result<&'static Handle, String> {
    runtime().map(|runtime| &runtime.handle)
}

/// Takes a cleanup over from whoever should have awaited it. Never panics, never waits.
pub(crate) fn hand_over(chain: u64, job: Job) {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return job.abandon(&error),
    };
    let pending = Pending::new(job.site(), runtime.runner);
    if let Some(first) = queue().push(chain, (job, pending)) {
        runtime.handle.spawn(run(chain, first));
    }
}

async fn run(chain: u64, first: (Job, Pending)) {
    let mut next = Some(first);
    while let Some((mut job, pending)) = next {
        let ended = poll_fn(|cx| job.poll(cx)).await;
        if let Err(payload) = ended {
            event::discard(payload);
        }
        job.discard();
        next = queue().next(chain);
        drop(pending);
    }
}

/// Something that [`drain`] waits for, and with the feature `process` the end of the process.
pub(crate) struct Pending {
    site: &'static Site,
    #[allow(dead_code, reason = "over when it is dropped")]
    underway: Underway,
}

impl Pending {
    fn new(site: &'static Site, runner: Runner) -> Self {
        if claim() {
            queue().begin();
        }
        Self { site, underway: underway::begin(site, runner) }
    }

    /// The tasks of a scope that was made at `location` and dropped.
    pub(crate) fn scope(location: &'static Location<'static>) -> Self {
        Self::new(Site::at("tasks of a dropped scope", location), Runner::ANY)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if is_owner() {
            queue().end(self.site.location);
        }
    }
}

/// Waits until every `async` cleanup that was handed over has ended, and every task of a
/// [scope](crate::scope::tokio) that was dropped.
///
/// Needs the feature `tokio`.
///
/// A cleanup is handed over when the future of its function is dropped or unwinds before the cleanup
/// could be awaited there. Call this at the end of the program: without the feature `process`, what is
/// still pending when `main` returns is lost, as all threads are. With it, the exit hook waits for them,
/// for 5 s at most, and names on stderr those that did not end. To limit the wait here, put a timeout
/// around it; the cleanups have theirs by `timeout = ".."`.
///
/// A cleanup that goes on with a connection of its function's needs the runtime which that was opened on: wait
/// here before that one is shut down, as it is when a `main` under `#[tokio::main]` returns.
/// [`#[backstop::main]`](crate::main) waits by itself, before it shuts its runtime down.
///
/// In a forked child there is nothing to wait for: what its parent owes is the parent's.
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
    Drained { key: None }.await;
}

struct Drained {
    /// Its place among those who wait.
    key: Option<u64>,
}

impl Future for Drained {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if is_owner() { queue().poll_drained(cx, &mut self.key) } else { Poll::Ready(()) }
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        if let Some(key) = self.key.take_if(|_| is_owner()) {
            queue().leave(key);
        }
    }
}

/// Blocks until every `async` cleanup that was handed over has ended, and every task of a scope that was
/// dropped, or `limit` is over; gives how many cleanups and scopes have not ended.
///
/// Needs the feature `tokio`.
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
    if is_owner() { queue().wait_drained(limit) } else { 0 }
}
