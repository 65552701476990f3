//! An `async` main: the runtime that it runs on, and the end of its tasks.
//!
//! `main` is dropped first. What it hands over then, and what it handed over before, is waited for while the
//! runtime still lives: a goodbye goes through a socket that works with the runtime's I/O only. Then the
//! runtime is shut down, which drops the tasks that are left, and what these hand over is for the exit hook.

use std::future::{Future, poll_fn};
use std::io::{self, Write as _};
use std::pin::{Pin, pin};
use std::process::{ExitCode, Termination};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use super::driver::Driver;
use super::last_words;
use super::main::{Body, Options, Program, run};
use super::supervisor::ABORTED;
use crate::CancelCause;
use crate::cleanup_runtime::drain_blocking;

/// What the `async` cleanups have that `main` owes, until its runtime is shut down.
const OWED: Duration = Duration::from_secs(5);

/// The same, once the end is forced: half of what all exit cleanups have.
pub(super) const OWED_WHEN_FORCED: Duration = Duration::from_millis(2500);

/// When to look again at whether the end is forced meanwhile.
const TICK: Duration = Duration::from_millis(20);

/// Whether the tasks of `main` may still run.
static RUNNING: AtomicBool = AtomicBool::new(false);

/// Whether the tasks of `main` may still run.
pub(super) fn are_running() -> bool {
    RUNNING.load(Ordering::Acquire)
}

/// Runs an `async` main from the start to the exit status. Without `workers` its runtime has as many
/// threads as there are processors; with 0, it has none but this one.
pub(crate) fn run_async<F>(
    options: Options,
    workers: Option<usize>,
    body: impl FnOnce() -> F,
) -> ExitCode
where
    F: Future<Output: Termination>,
{
    // Called by the program itself, it is a function like any other, and not the program's `main`.
    let is_main = Program::get().is_none();
    run(options, || match Tasks::start(options.grace, workers, is_main) {
        Ok(tasks) => tasks.block_on(body),
        Err(error) => {
            let what = "`main` does not begin: cannot start the tokio runtime";
            let _ = writeln!(io::stderr(), "backstop: {what}: {error}");
            ExitCode::FAILURE
        }
    })
}

/// The runtime of `main`; dropped, what `main` owes is waited for, its tasks are aborted, and waited for.
struct Tasks {
    runtime: Option<Runtime>,
    /// Whether the runtime has no threads of its own: nothing happens on it unless somebody blocks on it.
    needs_driver: bool,
    /// How many threads the runtime has, those for blocking tasks among them.
    threads: Arc<AtomicUsize>,
    grace: Duration,
    /// Whether they are those of the program's `main`.
    is_main: bool,
}

impl Tasks {
    fn start(grace: Duration, workers: Option<usize>, is_main: bool) -> io::Result<Self> {
        let mut builder = match workers {
            Some(0) => Builder::new_current_thread(),
            Some(workers) => {
                let mut builder = Builder::new_multi_thread();
                builder.worker_threads(workers);
                builder
            }
            None => Builder::new_multi_thread(),
        };
        let threads = Arc::new(AtomicUsize::new(0));
        let [started, stopped] = [Arc::clone(&threads), Arc::clone(&threads)];
        builder.on_thread_start(move || {
            started.fetch_add(1, Ordering::Relaxed);
        });
        builder.on_thread_stop(move || {
            stopped.fetch_sub(1, Ordering::Relaxed);
        });
        let runtime = builder.enable_all().build()?;
        RUNNING.store(true, Ordering::Release);
        let needs_driver = workers == Some(0);
        Ok(Self { runtime: Some(runtime), needs_driver, threads, grace, is_main })
    }

    fn body_has_come_to(&self, body: Body) {
        if self.is_main {
            body.has_come_to();
        }
    }

    /// Blocks on `main`. Does not return where its end is forced before it has ended.
    fn block_on<F>(self, body: impl FnOnce() -> F) -> ExitCode
    where
        F: Future<Output: Termination>,
    {
        let Some(runtime) = &self.runtime else { return ExitCode::FAILURE };
        let ended = runtime.block_on(async {
            let mut main = pin!(body());
            // Said before `main` is dropped, also where it panics.
            scopeguard::defer! { self.body_has_come_to(Body::Leaving) }
            let mut forced = Program::get().map(|program| program.root.cancelled_until(is_forced));
            // In the end `main` is dropped, with the runtime at hand.
            poll_fn(|cx| {
                if let Some(forced) = &mut forced {
                    if Pin::new(forced).poll(cx).is_ready() {
                        return Poll::Ready(None);
                    }
                }
                main.as_mut().poll(cx).map(|value| Some(value.report()))
            })
            .await
        });
        self.body_has_come_to(if ended.is_some() { Body::Ended } else { Body::Dropped });
        drop(self);
        ended.unwrap_or_else(|| {
            loop {
                thread::park();
            }
        })
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        // Else it panicked.
        self.body_has_come_to(Body::Ended);
        let Some(runtime) = self.runtime.take() else { return };
        let is_held = match self.after_what_is_owed(runtime) {
            // Tasks end at their next `.await`. Blocking ones cannot be aborted.
            Some(runtime) => {
                runtime.shutdown_timeout(self.limit());
                false
            }
            None => true,
        };
        RUNNING.store(false, Ordering::Release);
        if let Some(program) = Program::get() {
            program.waker.wake();
        }
        let left = self.threads.load(Ordering::Acquire) + usize::from(is_held);
        // Who forces the end says what is left.
        if left > 0 && !is_being_forced() {
            last_words::say_left_of_main(left, self.grace);
        }
    }
}

impl Tasks {
    /// Waits for what `main` has handed over. Gives the runtime back, unless a task keeps it that never yields.
    fn after_what_is_owed(&self, runtime: Runtime) -> Option<Runtime> {
        if drain_blocking(Duration::ZERO) == 0 {
            return Some(runtime);
        }
        if !self.needs_driver {
            wait_for_what_is_owed();
            return Some(runtime);
        }
        // On a thread of its own, which a task may keep for ever.
        let driver = match Driver::start(runtime) {
            Ok(driver) => driver,
            Err(runtime) => return Some(runtime),
        };
        wait_for_what_is_owed();
        driver.stop(self.limit())
    }

    /// How long tasks may take to end.
    fn limit(&self) -> Duration {
        if is_being_forced() { ABORTED } else { self.grace }
    }
}

fn wait_for_what_is_owed() {
    let mut until = Instant::now() + OWED;
    let mut was_forced = false;
    loop {
        let now = Instant::now();
        if !was_forced && is_being_forced() {
            was_forced = true;
            until = until.min(now + OWED_WHEN_FORCED);
        }
        let left = until.saturating_duration_since(now);
        if left.is_zero() || drain_blocking(left.min(TICK)) == 0 {
            return;
        }
    }
}

/// Whether the end of the program is forced already.
fn is_being_forced() -> bool {
    Program::get().and_then(|program| program.root.cause()).is_some_and(is_forced)
}

fn is_forced(cause: CancelCause) -> bool {
    cause == CancelCause::Shutdown { immediate: true }
}
