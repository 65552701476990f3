//! An `async` main: the runtime that it runs on, and the end of its tasks.

use std::future::{Future, poll_fn};
use std::io::{self, Write as _};
use std::pin::{Pin, pin};
use std::process::{ExitCode, Termination};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::last_words;
use super::main::{Body, Options, Program, run};
use crate::CancelCause;

/// What tasks have to end by themselves once they are aborted, when the end is forced.
pub(super) const ABORTED: Duration = Duration::from_secs(2);

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

/// The runtime of `main`; dropped, its tasks are aborted, and waited for.
struct Tasks {
    runtime: Option<Runtime>,
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
        Ok(Self { runtime: Some(runtime), threads, grace, is_main })
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
        let program = Program::get();
        let is_forced = program.and_then(|program| program.root.cause()).is_some_and(is_forced);
        // Tasks end at their next `.await`. Blocking ones cannot be aborted.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(if is_forced { ABORTED } else { self.grace });
        }
        RUNNING.store(false, Ordering::Release);
        if let Some(program) = program {
            program.waker.wake();
        }
        let left = self.threads.load(Ordering::Acquire);
        // Who forces the end says what is left.
        if left > 0 && !is_forced {
            last_words::say_left_of_main(left, self.grace);
        }
    }
}

fn is_forced(cause: CancelCause) -> bool {
    cause == CancelCause::Shutdown { immediate: true }
}
