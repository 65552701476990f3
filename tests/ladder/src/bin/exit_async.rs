//! Ends itself, in the way that its argument names, while an `async` cleanup is on the cleanup runtime.

use std::future::{Future, pending};
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;
use std::{env, process, thread};

use backstop::__private::{Site, exit_entry};
use backstop::must_cleanup;
use backstop_tests_ladder::exit::{hang, say};
use tracing_subscriber::layer::SubscriberExt as _;

fn main() {
    let way = env::args().nth(1).expect("a way to end");
    match way.as_str() {
        "return" => drop_midway(session(work())),
        "exit" => {
            drop_midway(session(work()));
            process::exit(7)
        }
        "abort" => {
            drop_midway(session(work()));
            process::abort()
        }
        "terminated" => {
            drop_midway(session(work()));
            say("ready");
            hang()
        }
        "hangs" => {
            backstop::__private::set_exit_limit(Duration::from_millis(200));
            drop_midway(session(pending()));
            process::exit(7)
        }
        "timeout" => {
            drop_midway(limited());
            process::exit(7)
        }
        "exit-in-cleanup" => {
            backstop::__private::set_exit_limit(Duration::from_secs(3600));
            drop_midway(session(async { process::exit(7) }));
            hang()
        }
        "scope" => scope(),
        "fork" => fork(),
        "traced" => traced(),
        other => panic!("no such way: {other}"),
    }
}

/// Takes a while; who does not wait for it does not see its end.
async fn work() {
    tokio::time::sleep(Duration::from_millis(150)).await;
    say("goodbye");
}

#[must_cleanup]
async fn session(cleanup: impl Future<Output = ()> + Send + 'static) {
    #[cleanup(async { cleanup.await }, name = "session")]
    pending::<()>().await;
}

#[must_cleanup]
async fn limited() {
    #[cleanup(async { pending::<()>().await }, name = "session", timeout = "150ms")]
    pending::<()>().await;
}

/// Polls a future once, and drops it.
fn drop_midway(future: impl Future<Output = ()>) {
    let mut future = pin!(future);
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

/// A scope that is dropped while its task is at something that takes a while.
fn scope() {
    struct Slow;
    impl Drop for Slow {
        fn drop(&mut self) {
            thread::sleep(Duration::from_millis(150));
            say("goodbye");
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        let (begun, begins) = tokio::sync::oneshot::channel();
        let scope = backstop::scope::tokio(|s| async move {
            s.spawn(async move {
                let _slow = Slow;
                begun.send(()).expect("somebody waits");
                pending::<()>().await;
            });
        });
        tokio::select! {
            () = scope => {}
            begun = begins => begun.expect("the task begins"),
        }
    });
    // Nobody waits for the runtime.
    std::mem::forget(runtime);
    process::exit(7)
}

#[allow(unsafe_code, reason = "`fork` has no safe form")]
fn fork() {
    drop_midway(session(work()));
    // SAFETY: what the child calls takes no lock that another thread of the parent may hold: stderr's
    // and the allocator's, which the C library sees to, are used by nobody here at that time.
    match unsafe { libc::fork() } {
        0 => {
            drop_midway(session(work()));
            say(&format!("child: {} pending", backstop::drain_blocking(Duration::MAX)));
            process::exit(3)
        }
        child => {
            let mut status = 0;
            // SAFETY: `status` is valid for the call.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            say(&format!("child: code {}", libc::WEXITSTATUS(status)));
        }
    }
}

/// A subscriber that says so when a cleanup failed, and one that fails before the end and at it.
fn traced() {
    static SITE: Site = Site::new("late");
    struct Saying;
    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Saying {
        fn on_event(
            &self,
            event: &tracing::Event<'_>,
            _: tracing_subscriber::layer::Context<'_, S>,
        ) {
            say(event.metadata().target());
            eprintln!("told");
        }
    }
    #[must_cleanup]
    fn fails() {
        #[cleanup(Err::<(), _>("no"), name = "early")]
        let _early = ();
    }
    let subscriber = tracing_subscriber::registry().with(Saying);
    tracing::subscriber::set_global_default(subscriber).expect("there is none");
    fails();
    say("ending");
    let _entry = exit_entry(&SITE, || Err::<(), _>("no"));
    process::exit(7)
}
