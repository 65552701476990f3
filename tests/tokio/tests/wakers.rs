//! Code of others that runs where something is dropped, woken or shown, and panics: wakers, destructors, and the
//! `Display` of errors. It reaches nobody whom it does not concern, and is told.

use std::fmt;
use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use backstop::scope::{self, Options};
use backstop::{CancelToken, EventKind, drain, must_cleanup};
use backstop_tests::caught;
use backstop_tests_tokio::{SharedLog, drained, events, polled};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

const MINUTE: Duration = Duration::from_secs(60);

/// A waker that says so when it wakes, and panics.
struct Panics(mpsc::Sender<()>, &'static str);

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        let _ = self.0.send(());
        panic!("{}", self.1);
    }
}

fn panics(message: &'static str) -> (Waker, mpsc::Receiver<()>) {
    let (send, woken) = mpsc::channel();
    (Waker::from(Arc::new(Panics(send, message))), woken)
}

/// A waker that counts.
#[derive(Default)]
struct Counts(AtomicUsize);

impl Wake for Counts {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A waker whose last owner panics.
struct PanicsAtItsEnd(&'static str);

impl Wake for PanicsAtItsEnd {
    fn wake(self: Arc<Self>) {}
}

impl Drop for PanicsAtItsEnd {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

/// Panics when it is dropped.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap()
}

/// What is told of as many wakers that panicked with this message: what their tasks waited for.
#[track_caller]
fn told(message: &str, count: usize) -> Vec<String> {
    let kind = EventKind::WakerPanicked;
    let begun = Instant::now();
    loop {
        let told = events(|event| event.kind == kind && event.message == message);
        if told.len() >= count {
            assert!(told.iter().all(|event| event.location.file() == file!()), "{told:?}");
            return told.into_iter().map(|event| event.name).collect();
        }
        assert!(begun.elapsed() < MINUTE, "told of {told:?}");
        thread::yield_now();
    }
}

/// How often a child was told to have panicked with this message.
fn children(message: &str) -> usize {
    let kind = EventKind::ChildPanicked;
    events(|event| event.kind == kind && event.message == message).len()
}

#[test]
fn a_waker_that_panics_when_the_last_task_has_ended_costs_no_result() {
    events(|_| false);
    let runtime = runtime();
    let _entered = runtime.enter();
    for fails in [false, true] {
        let (hands_over, handles) = mpsc::channel();
        let (waker, woken) = panics("of the scope");
        let (go, goes) = oneshot::channel::<()>();
        let mut scope = pin!(scope::tokio(|s| async move {
            // Its handle outlives the scope: what it gives must not become the waker's panic.
            let task = s.spawn(async move {
                goes.await.unwrap();
                // An unwind of its own, which a second panic would abort.
                if fails { resume_unwind(Box::new("its own")) } else { 7 }
            });
            hands_over.send(task).unwrap();
        }));
        assert!(scope.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        go.send(()).unwrap();
        woken.recv_timeout(MINUTE).unwrap();
        let result = runtime.block_on(handles.recv().unwrap());
        match result {
            Ok(value) => assert_eq!((value, fails), (7, false)),
            Err(error) => assert_eq!(error.into_panic().downcast_ref(), Some(&"its own")),
        }
        runtime.block_on(scope);
    }
    // A failure wakes by the token, too, at which the scope looks whether to abort.
    assert_eq!(told("of the scope", 3), ["<scope>", "<token>", "<scope>"]);
}

#[test]
fn a_waker_that_panics_does_not_leave_the_destructor_of_a_child_under_local() {
    events(|_| false);
    let scope = Options::new().name("child").local();
    let mut handle = pin!(scope.spawn(pending::<()>()));
    let (waker, woken) = panics("of the handle");
    assert!(handle.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let mut course = Box::pin(scope.run(pending::<()>()));
    assert!(course.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    // While something unwinds: a panic out of a destructor would be the end of the process.
    let unwound = caught(|| {
        let _course = course;
        panic!("of the function")
    });
    assert_eq!(unwound, Err::<(), _>("of the function".to_owned()));
    woken.recv_timeout(MINUTE).unwrap();
    assert_eq!(told("of the handle", 1), ["child"]);
    let Poll::Ready(Err(error)) = handle.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("the child was dropped");
    };
    assert!(error.is_cancelled());
}

#[test]
fn whoever_wakes_a_child_under_local_hears_nothing_of_the_scopes_waker() {
    events(|_| false);
    let (sender, value) = oneshot::channel::<()>();
    let scope = Options::new().local();
    scope.spawn(async { drop(value.await) });
    let mut course = pin!(scope.run(async {}));
    let (waker, woken) = panics("of the scope of a child");
    assert!(course.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(caught(|| drop(sender)), Ok(()));
    woken.recv_timeout(MINUTE).unwrap();
    assert_eq!(told("of the scope of a child", 1), ["<scope>"]);
    assert!(course.poll(&mut Context::from_waker(Waker::noop())).is_ready());
}

#[test]
fn all_who_wait_for_a_token_are_woken_though_some_wakers_panic() {
    events(|_| false);
    let token = CancelToken::new();
    let counts = Arc::new(Counts::default());
    let (first, _woken) = panics("of the token");
    let (last, _woken) = panics("of the token");
    let wakers = [first, Arc::clone(&counts).into(), last];
    let mut waits = [token.cancelled(), token.child().cancelled(), token.cancelled()];
    for (wait, waker) in waits.iter_mut().zip(&wakers) {
        assert!(pin!(wait).poll(&mut Context::from_waker(waker)).is_pending());
    }
    assert_eq!(caught(|| token.cancel()), Ok(()));
    assert_eq!(counts.0.load(Ordering::SeqCst), 1);
    assert_eq!(told("of the token", 2), ["<token>", "<token>"]);
}

#[test]
fn a_waker_that_panics_at_a_deadline_does_not_end_the_cleanup_runtime() {
    #[must_cleanup]
    async fn owes(log: SharedLog) {
        #[cleanup(async move { log.note("goodbye") })]
        let log = log;
        pending::<()>().await;
        log.note("unreachable");
    }

    events(|_| false);
    let token = CancelToken::new().child_with_timeout(Duration::from_millis(1));
    let mut wait = pin!(token.cancelled());
    let (waker, woken) = panics("at the deadline");
    if wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        woken.recv_timeout(MINUTE).unwrap();
    }
    let log = SharedLog::new();
    assert!(polled(1, owes(log.clone())).is_none());
    drained();
    assert_eq!(log.take(), "goodbye");
}

#[test]
fn all_who_drain_are_woken_though_a_waker_panics_and_that_is_told() {
    events(|_| false);
    let runtime = runtime();
    let ((may_end, ends), (begin, begins)) = (mpsc::channel::<()>(), mpsc::channel());
    let _entered = runtime.enter();
    let mut scope = Box::pin(scope::tokio(|s| async move {
        s.spawn_blocking(move || {
            begin.send(()).unwrap();
            ends.recv()
        });
        pending::<()>().await;
    }));
    assert!(scope.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    begins.recv_timeout(MINUTE).unwrap();
    drop(scope);
    let (waker, woken) = panics("of a drain");
    let mut drain = Box::pin(drain());
    assert!(drain.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(may_end);
    woken.recv_timeout(MINUTE).unwrap();
    runtime.block_on(drain);
    assert_eq!(told("of a drain", 1), ["<drain>"]);
}

#[test]
fn a_waker_that_panics_at_its_end_does_not_leave_the_destructor_of_who_had_it() {
    /// Polls a future that waits, with a waker that belongs to nobody else then.
    fn wait<F: Future>(future: F) -> Pin<Box<F>> {
        let waker = Waker::from(Arc::new(PanicsAtItsEnd("the end of a waker")));
        let mut future = Box::pin(future);
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        future
    }

    events(|_| false);
    let (runtime, token) = (runtime(), CancelToken::new());
    let _entered = runtime.enter();
    assert_eq!(caught(|| drop(wait(token.cancelled()))), Ok(()));
    let scope = Options::new().name("child").local_any();
    assert_eq!(caught(|| drop(wait(scope.spawn(pending::<()>())))), Ok(()));
    // Their bodies have ended, and a child has not.
    let tasks = scope::tokio(|s| async move { drop(s.spawn(pending::<()>())) });
    assert_eq!(caught(|| drop(wait(tasks))), Ok(()));
    assert_eq!(caught(|| drop((wait(scope.run(async {})), scope.clone()))), Ok(()));
    assert_eq!(caught(|| drop(scope)), Ok(()));
    let mut names = Vec::new();
    let begun = Instant::now();
    while names.len() < 4 && begun.elapsed() < MINUTE {
        thread::yield_now();
        let told = events(|event| event.message == "the end of a waker");
        names = told.into_iter().map(|event| event.name).collect();
    }
    names.sort();
    assert_eq!(names, ["<scope>", "<scope>", "<token>", "child"]);
}

#[test]
fn the_destructor_of_a_value_that_nobody_takes_is_a_panic_of_the_child_under_local() {
    let scope = Options::new().local();
    let ended = caught(|| {
        let run = scope.run(async {
            let handle = scope.spawn(async { Bomb("of the value") });
            while !handle.is_finished() {
                tokio::task::yield_now().await;
            }
            // Not out of here, where it would be one of the body's, with all that it still had to do.
            assert_eq!(caught(|| drop(handle)), Ok(()));
        });
        futures::executor::block_on(run);
    });
    assert_eq!(ended, Err("of the value".to_owned()));
}

#[test]
fn a_panic_that_is_found_after_its_scope_under_local_has_ended_is_an_event() {
    events(|_| false);
    let scope = Options::new().local_any();
    let mut handle = None;
    futures::executor::block_on(scope.run(async {
        let of = handle.insert(scope.spawn(async { panic!("nobody asked") }));
        while !scope::LocalHandle::<()>::is_finished(of) {
            tokio::task::yield_now().await;
        }
    }));
    assert_eq!(children("nobody asked"), 0);
    drop(handle);
    assert_eq!(children("nobody asked"), 1);
}

#[test]
fn a_scope_under_local_that_never_runs_drops_all_of_its_children_contained() {
    events(|_| false);
    let (log, scope) = (SharedLog::new(), Options::new().local_any());
    for name in ["first", "second"] {
        let (log, bomb) = (log.clone(), Bomb("never run"));
        scope.spawn(async move {
            log.note(name);
            drop(bomb);
        });
    }
    assert_eq!(caught(|| drop(scope)), Ok(()));
    assert_eq!((children("never run"), log.take().as_str()), (2, ""));
}

#[test]
fn a_destructor_of_what_an_async_cleanup_owns_is_contained_where_that_does_not_run() {
    #[must_cleanup]
    async fn function() {
        let bomb = Bomb("what the cleanup owns");
        #[cleanup(async move { drop(bomb) }, on = success, name = "goodbye")]
        let session = ready(1).await;
        assert_eq!(*session, 2, "its own");
    }

    events(|_| false);
    let unwound = catch_unwind(AssertUnwindSafe(|| polled(1, function())));
    assert!(unwound.is_err());
    let told = events(|event| event.message == "what the cleanup owns");
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].kind, &*told[0].name), (EventKind::CleanupPanicked, "goodbye"));
}

#[test]
fn an_error_that_cannot_be_shown_is_an_error_all_the_same() {
    struct Unspeakable;
    impl fmt::Display for Unspeakable {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no words")
        }
    }

    let scope = Options::new().try_tokio(|s| async move {
        let cause = s.cancel_token();
        s.spawn_fallible(async { Err::<(), _>(Unspeakable) });
        cause.cancelled().await
    });
    let error = runtime().block_on(scope).unwrap_err();
    let messages: Vec<_> = error.failures().iter().map(|failure| &*failure.message).collect();
    assert_eq!(messages, ["<its `Display` panicked: no words>"]);
    assert_eq!(error.failures()[0].kind, scope::FailureKind::Failed);
}

#[test]
fn where_the_body_panics_the_panics_of_tasks_and_of_its_value_are_events() {
    events(|_| false);
    let runtime = runtime();
    let ended = caught(|| {
        runtime.block_on(Options::new().try_tokio(|s| async move {
            let task = s.spawn(async { panic!("beside the body") });
            while !task.is_finished() {
                tokio::task::yield_now().await;
            }
            drop::<scope::TaskHandle<()>>(task);
            panic!("of the body")
        }))
    });
    assert_eq!(ended.map(|_: Result<(), _>| ()), Err("of the body".to_owned()));
    assert_eq!(children("beside the body"), 1);

    let ended = caught(|| {
        runtime.block_on(scope::tokio(|s| async move {
            s.spawn(async { panic!("of a task") });
            Bomb("of the body's value")
        }))
    });
    assert_eq!(ended.map(|_| ()), Err("of a task".to_owned()));
    assert_eq!(children("of the body's value"), 1);

    let scope = Options::new().local_any();
    let ended = caught(|| {
        futures::executor::block_on(scope.run(async {
            scope.spawn(async { panic!("of a child") });
            Bomb("of the value beside it")
        }))
    });
    assert_eq!(ended.map(|_| ()), Err("of a child".to_owned()));
    assert_eq!(children("of the value beside it"), 1);
}
