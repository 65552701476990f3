//! Scopes of tasks where something goes wrong around them.

use std::future::{Future, pending};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use backstop::scope::{TaskHandle, TaskScope};
use backstop::{CancelCause, CancelToken, EventKind, drain, scope};
use backstop_tests::caught;
use backstop_tests_tokio::{SharedLog, drained, events};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::{JoinError, yield_now};

fn multi() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

/// Says so when it is dropped.
struct Noted(SharedLog, &'static str);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

/// Holds its thread until it may go on.
fn hold(begun: oneshot::Sender<()>, may_go: &AtomicBool) {
    begun.send(()).unwrap();
    while !may_go.load(Ordering::Acquire) {
        thread::yield_now();
    }
}

#[test]
fn a_child_that_never_yields_and_a_blocking_one_are_waited_for_by_drain() {
    for blocking in [false, true] {
        let runtime = multi();
        let may_go = Arc::new(AtomicBool::new(false));
        let (log, own) = (SharedLog::new(), Arc::clone(&may_go));
        let noted = Noted(log.clone(), "ended");
        runtime.block_on(async {
            let (begun, begins) = oneshot::channel();
            let scope = scope::tokio(|s| async move {
                let job = move || {
                    let _noted = noted;
                    hold(begun, &own);
                };
                if blocking {
                    s.spawn_blocking(job);
                } else {
                    s.spawn(async move { job() });
                }
            });
            tokio::select! {
                () = scope => unreachable!("its child has not ended"),
                begun = begins => begun.unwrap(),
            }
        });
        // The scope is gone, and nobody says that its child were.
        assert!(backstop::drain_blocking(Duration::from_millis(20)) > 0);
        assert_eq!(log.take(), "");
        may_go.store(true, Ordering::Release);
        drained();
        assert_eq!(log.take(), "ended");
    }
}

#[test]
fn a_scope_that_is_cancelled_while_it_waits_aborts_its_tasks_and_keeps_the_value() {
    let outer = CancelToken::new();
    let (log, token) = (SharedLog::new(), outer.clone());
    let noted = Noted(log.clone(), "dropped");
    let value = multi().block_on(outer.in_scope(async {
        let (body_ended, ended) = mpsc::channel();
        thread::spawn(move || {
            ended.recv().unwrap();
            token.cancel_with(CancelCause::Deadline);
        });
        scope::tokio(|s| async move {
            s.spawn(async move {
                let _noted = noted;
                pending::<()>().await;
            });
            yield_now().await;
            body_ended.send(()).unwrap();
            7
        })
        .await
    }));
    assert_eq!((value, log.take().as_str()), (7, "dropped"));
}

#[test]
fn a_scope_runs_inside_block_on_of_a_blocking_child() {
    let sum = multi().block_on(scope::tokio(|s| async move {
        let child = s.spawn_blocking(|| {
            Handle::current().block_on(scope::tokio(|s| async move {
                let inner = s.spawn(async { 20 });
                inner.await.unwrap() + 1
            }))
        });
        child.await.unwrap() * 2
    }));
    assert_eq!(sum, 42);
}

#[test]
fn a_runtime_that_shuts_down_takes_a_scope_and_its_tasks_along() {
    let runtime = multi();
    let log = SharedLog::new();
    let (begun, begins) = mpsc::channel();
    let of_the_tasks = log.clone();
    runtime.spawn(scope::tokio(|s| async move {
        for name in ["one", "two"] {
            let (noted, begun) = (Noted(of_the_tasks.clone(), name), begun.clone());
            s.spawn(async move {
                let _noted = noted;
                begun.send(()).unwrap();
                pending::<()>().await;
            });
        }
        pending::<()>().await;
    }));
    begins.recv().unwrap();
    begins.recv().unwrap();
    drop(runtime);
    drained();
    let taken = log.take();
    let mut names: Vec<&str> = taken.split(' ').collect();
    names.sort_unstable();
    assert_eq!(names, ["one", "two"]);
}

/// A runtime that runs one blocking closure at a time, and is at one until the sender is used or dropped.
fn occupied() -> (Runtime, mpsc::Sender<()>) {
    let runtime = Builder::new_current_thread().enable_time().max_blocking_threads(1).build();
    let runtime = runtime.unwrap();
    let (free, held) = mpsc::channel();
    runtime.spawn_blocking(move || held.recv());
    (runtime, free)
}

fn poll<F: Future + ?Sized>(runtime: &Runtime, future: Pin<&mut F>) -> Poll<F::Output> {
    let _entered = runtime.enter();
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_blocking_child_that_never_began_has_ended_when_all_that_it_owned_is_gone() {
    /// Says that its destructor has begun, and waits there.
    struct Slow(mpsc::Sender<()>, mpsc::Receiver<()>, SharedLog);
    impl Drop for Slow {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
            let _ = self.1.recv();
            self.2.note("gone");
        }
    }
    for is_dropped in [false, true] {
        let (runtime, free) = occupied();
        let log = SharedLog::new();
        let ((begun, begins), (go, may_go)) = (mpsc::channel(), mpsc::channel());
        let slow = Slow(begun, may_go, log.clone());
        let token = CancelToken::new();
        let mut scope: Pin<Box<dyn Future<Output = ()>>> =
            Box::pin(token.in_scope(scope::tokio(|s| async move {
                s.spawn_blocking(move || drop(slow));
            })));
        assert!(poll(&runtime, scope.as_mut()).is_pending());
        if is_dropped {
            // As `drop` and `drain` make of it what a scope is that is waited for.
            scope = Box::pin(drain());
        } else {
            token.cancel_with(CancelCause::Deadline);
        }
        assert!(poll(&runtime, scope.as_mut()).is_pending());
        free.send(()).unwrap();
        begins.recv().unwrap();
        assert!(poll(&runtime, scope.as_mut()).is_pending(), "dropped: {is_dropped}");
        go.send(()).unwrap();
        runtime.block_on(scope);
        assert_eq!(log.take(), "gone");
    }
}

struct PanicsInDrop(&'static str);

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

/// Spawns a child that only an abort ends, and whose destructor panics then: one that has begun, or one
/// that waits for a thread.
async fn panics_when_aborted(
    s: &TaskScope,
    is_blocking: bool,
    name: &'static str,
) -> TaskHandle<()> {
    let guard = PanicsInDrop(name);
    if is_blocking {
        return s.task().name(name).spawn_blocking(move || std::mem::forget(guard));
    }
    let (begun, begins) = oneshot::channel();
    let handle = s.task().name(name).spawn(async move {
        let _guard = guard;
        begun.send(()).unwrap();
        pending::<()>().await;
    });
    begins.await.unwrap();
    handle
}

#[test]
fn a_panic_in_a_destructor_of_an_aborted_task_goes_on_in_the_scope_that_waits() {
    for is_blocking in [false, true] {
        let (runtime, free) = occupied();
        let ended = caught(|| {
            runtime.block_on(scope::tokio(|s| async move {
                let handle = panics_when_aborted(&s, is_blocking, "nobody's").await;
                let abort = handle.abort_handle().unwrap();
                drop(handle);
                abort.abort();
                drop(free);
            }));
        });
        assert_eq!(ended, Err("nobody's".to_owned()), "blocking: {is_blocking}");
    }
}

#[test]
fn a_panic_in_a_destructor_of_an_aborted_task_is_an_event_where_nobody_waits() {
    for (is_blocking, name) in [(false, "left task"), (true, "left closure")] {
        events(|_| false);
        let (runtime, free) = occupied();
        runtime.block_on(async {
            let (begun, begins) = oneshot::channel();
            let scope = scope::tokio(|s| async move {
                drop(panics_when_aborted(&s, is_blocking, name).await);
                begun.send(()).unwrap();
                pending::<()>().await;
            });
            tokio::select! {
                () = scope => unreachable!("its body has not ended"),
                begun = begins => begun.unwrap(),
            }
            drop(free);
            drain().await;
        });
        let seen = events(|event| event.name == name);
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert_eq!((seen[0].kind, &*seen[0].message), (EventKind::ChildPanicked, name));
    }
}

#[test]
fn a_panic_in_a_destructor_of_an_aborted_task_is_its_who_awaits_the_handle() {
    for is_blocking in [false, true] {
        let (runtime, free) = occupied();
        let error: JoinError = runtime.block_on(scope::tokio(|s| async move {
            let handle = panics_when_aborted(&s, is_blocking, "the caller's").await;
            handle.abort();
            drop(free);
            handle.await.unwrap_err()
        }));
        let payload = error.into_panic();
        assert_eq!(payload.downcast_ref::<String>().unwrap(), "the caller's");
    }
}
