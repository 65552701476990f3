//! Ends itself, in the way that its argument names, while an `async` cleanup is on the cleanup runtime.

use std::collections::BTreeSet;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::{Mutex, mpsc};
use std::task::{self, Waker};
use std::time::Duration;
use std::{env, process, thread};

use backstop::__private::{Site, exit_entry};
use backstop::must_cleanup;
use backstop_tests_ladder::exit::{hang, say};
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::runtime::Runtime;
use tracing::error_span;
use tracing::span::Id;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

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
        "no-descriptors" => {
            let none = Rlimit { current: Some(0), maximum: Some(0) };
            setrlimit(Resource::Nofile, none).expect("less is always granted");
            drop_midway(session(work()));
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
        "fork-scope" => fork_scope(),
        "fork-others" => fork_others(),
        "fork-traced" => fork_traced(),
        "fork-observed" => fork_observed(),
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
    assert!(future.as_mut().poll(&mut task::Context::from_waker(Waker::noop())).is_pending());
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

fn fork() {
    drop_midway(session(work()));
    in_a_fork(|| {
        drop_midway(session(work()));
        say(&format!("child: {} pending", backstop::drain_blocking(Duration::MAX)));
    });
}

/// Does something in a forked child, which has a minute for it, and says how that ended.
#[allow(unsafe_code, reason = "`fork` has no safe form")]
fn in_a_fork(work: impl FnOnce()) {
    // SAFETY: what the child calls takes no lock that another thread of the parent may hold: stderr's
    // and the allocator's, which the C library sees to, are used by nobody here at that time.
    match unsafe { libc::fork() } {
        0 => {
            // SAFETY: it takes no pointer.
            unsafe { libc::alarm(60) };
            work();
            process::exit(3)
        }
        child => say(&format!("child: {}", ended(child))),
    }
}

/// How a child ended.
#[allow(unsafe_code, reason = "`waitpid` of a child that the standard library does not know")]
fn ended(child: i32) -> String {
    let mut status = 0;
    // SAFETY: `status` is valid for the call.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    if libc::WIFSIGNALED(status) {
        format!("signal {}", libc::WTERMSIG(status))
    } else {
        format!("code {}", libc::WEXITSTATUS(status))
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

/// Leaves a scope whose task ends when the runtime does.
fn leave_a_scope(runtime: &Runtime) {
    let _entered = runtime.enter();
    drop_midway(backstop::scope::tokio(|s| async move {
        s.spawn(pending::<()>());
        pending::<()>().await;
    }));
}

/// Forks while a scope is pending, and no cleanup ever was; the child leaves that scope, and one of its own.
#[allow(unsafe_code, reason = "`fork` has no safe form")]
fn fork_scope() {
    let runtime = runtime();
    leave_a_scope(&runtime);
    // SAFETY: this program has no other threads that hold a lock.
    match unsafe { libc::fork() } {
        0 => {
            leave_a_scope(&runtime);
            let is_drained = {
                let drain = pin!(backstop::drain());
                drain.poll(&mut task::Context::from_waker(Waker::noop())).is_ready()
            };
            let left = backstop::drain_blocking(Duration::ZERO);
            say(&format!("child: drained {is_drained}, {left} pending"));
            drop(runtime);
            process::exit(3)
        }
        child => say(&format!("child: {}", ended(child))),
    }
    say(&format!("{} pending", backstop::drain_blocking(Duration::ZERO)));
    drop(runtime);
    say(&format!("{} pending", backstop::drain_blocking(Duration::ZERO)));
}

/// The same while other threads leave scopes, too.
#[allow(unsafe_code, reason = "`fork` has no safe form")]
fn fork_others() {
    for _ in 0..4 {
        thread::spawn(|| {
            loop {
                leave_a_scope(&runtime());
            }
        });
    }
    let ends: BTreeSet<_> = (0..100)
        .map(|_| {
            let runtime = runtime();
            leave_a_scope(&runtime);
            // SAFETY: the child takes no lock of other threads, or this is a test that fails: then the
            // alarm ends it.
            match unsafe { libc::fork() } {
                0 => {
                    // SAFETY: no preconditions.
                    unsafe { libc::alarm(60) };
                    leave_a_scope(&runtime);
                    drop(runtime);
                    let left = backstop::drain_blocking(Duration::ZERO);
                    // SAFETY: no preconditions.
                    unsafe { libc::_exit(if left == 0 { 3 } else { 4 }) }
                }
                child => ended(child),
            }
        })
        .collect();
    say(&format!("child: {ends:?}"));
    process::exit(7)
}

/// A subscriber that locks for all that it does, and a fork while another thread has the lock.
fn fork_traced() {
    static LOCK: Mutex<()> = Mutex::new(());
    struct Locking;
    impl<S: tracing::Subscriber> Layer<S> for Locking {
        fn on_event(&self, _: &tracing::Event<'_>, _: Context<'_, S>) {
            let _locked = LOCK.lock();
            say("event");
        }

        fn on_enter(&self, _: &Id, _: Context<'_, S>) {
            let _locked = LOCK.lock();
        }

        fn on_exit(&self, _: &Id, _: Context<'_, S>) {
            let _locked = LOCK.lock();
        }

        fn on_close(&self, _: Id, _: Context<'_, S>) {
            let _locked = LOCK.lock();
        }
    }
    let subscriber = tracing_subscriber::registry().with(Locking);
    tracing::subscriber::set_global_default(subscriber).expect("there is none");
    // The cleanup runtime is the parent's: the child has to report what it cannot clean up.
    drop_midway(session(async {}));
    assert_eq!(backstop::drain_blocking(Duration::MAX), 0);
    let (mut before, mut after) = (Box::pin(session(async {})), Box::pin(session(work())));
    let mut cx = task::Context::from_waker(Waker::noop());
    let polled = error_span!("request").in_scope(|| before.as_mut().poll(&mut cx));
    assert!(polled.is_pending());
    let polled = error_span!("request").in_scope(|| after.as_mut().poll(&mut cx));
    assert!(polled.is_pending());
    let (lock, locked) = mpsc::channel();
    let (unlock, unlocks) = mpsc::channel::<()>();
    let holder = thread::spawn(move || {
        let _locked = LOCK.lock();
        lock.send(()).expect("somebody waits");
        let _ = unlocks.recv();
    });
    locked.recv().expect("it locks");
    in_a_fork(|| {
        drop(before);
        drop_midway(session(work()));
        fails();
    });
    drop(unlock);
    holder.join().expect("it does not panic");
    fails();
    drop(after);
}

/// An observer, and a fork whose child sets another.
fn fork_observed() {
    backstop::set_observer(|event| say(&format!("parent's: {}", event.name)));
    in_a_fork(|| {
        fails();
        backstop::set_observer(|event| say(&format!("child's: {}", event.name)));
        fails();
    });
    fails();
}

#[must_cleanup]
fn fails() {
    #[cleanup(Err::<(), _>("no"), name = "early")]
    let _early = ();
}

/// A subscriber that says so when a cleanup failed, and one that fails before the end and at it.
fn traced() {
    static SITE: Site = Site::new("late");
    struct Saying;
    impl<S: tracing::Subscriber> Layer<S> for Saying {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            say(event.metadata().target());
            eprintln!("told");
        }
    }
    let subscriber = tracing_subscriber::registry().with(Saying);
    tracing::subscriber::set_global_default(subscriber).expect("there is none");
    fails();
    say("ending");
    let _entry = exit_entry(&SITE, || Err::<(), _>("no"));
    process::exit(7)
}
