//! Scopes of tasks: nothing that is spawned in one outlives it, and nothing that fails is lost.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::time::Duration;

use backstop::scope::{self, FailureKind, OnFailure, Options, TaskScope};
use backstop::{CancelCause, CancelToken, EventKind, cancel_token, drain, must_cleanup};
use backstop_tests::caught;
use backstop_tests_tokio::{SharedLog, drained, events};
use tokio::sync::oneshot;
use tokio::task::yield_now;

fn single() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

fn multi() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

/// Counts itself while it is alive.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn the_scope_ends_after_all_that_was_spawned_in_it() {
    for runtime in [single(), multi()] {
        let alive = Arc::new(AtomicUsize::new(0));
        let sum = runtime.block_on(async {
            let sum = scope::tokio(|s| {
                let alive = &alive;
                async move {
                    for turns in 0..50 {
                        let guard = Alive::new(alive);
                        let siblings = s.clone();
                        s.spawn(async move {
                            for _ in 0..turns {
                                yield_now().await;
                            }
                            siblings.spawn(async move {
                                yield_now().await;
                                drop(guard);
                            });
                        });
                    }
                    let blocking = Alive::new(alive);
                    s.spawn_blocking(move || {
                        std::thread::yield_now();
                        drop(blocking);
                    });
                    s.spawn(async { 20 }).await.unwrap() + s.spawn_blocking(|| 22).await.unwrap()
                }
            });
            let sum = sum.await;
            assert_eq!(alive.load(Ordering::SeqCst), 0);
            sum
        });
        assert_eq!(sum, 42);
    }
}

#[test]
fn what_a_dropped_handle_would_have_given_is_gone_when_the_scope_ends() {
    for _ in 0..50 {
        let alive = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&alive);
        multi().block_on(async move {
            scope::tokio(|s| {
                let count = Arc::clone(&count);
                async move {
                    for _ in 0..20 {
                        let value = Alive::new(&count);
                        drop(s.spawn(async move { value }));
                    }
                    let mut handles = Vec::new();
                    for _ in 0..20 {
                        let value = Alive::new(&count);
                        handles.push(s.spawn(async move { value }));
                    }
                    yield_now().await;
                }
            })
            .await;
            assert_eq!(count.load(Ordering::SeqCst), 0);
        });
    }
}

#[test]
fn a_panic_of_a_task_goes_on_in_the_caller_and_the_others_are_events() {
    events(|_| false);
    let ended = caught(|| {
        single().block_on(Options::new().on_failure(OnFailure::Wait).tokio(|s| async move {
            s.task().name("first").spawn(async { panic!("the first") });
            yield_now().await;
            s.task().name("of two").spawn_blocking(|| panic!("the second"));
            // Both have panicked when it is resumed.
            7
        }))
    });
    let seen = events(|event| event.name == "of two" || event.name == "first");
    let total = usize::from(ended.is_err()) + seen.len();
    assert_eq!((ended, total), (Err("the first".to_owned()), 2), "{seen:?}");
    assert_eq!(seen[0].kind, EventKind::ChildPanicked);
    assert_eq!(seen[0].message, "the second");
}

#[test]
fn a_panic_that_is_awaited_is_the_callers() {
    let ended = single().block_on(scope::tokio(|s| async move {
        let panicked = s.spawn(async { panic!("handled") }).await.unwrap_err();
        *panicked.into_panic().downcast::<&str>().unwrap()
    }));
    assert_eq!(ended, "handled");
}

#[test]
fn a_panic_in_the_body_goes_on_after_all_tasks_have_ended() {
    let log = SharedLog::new();
    let noted = log.clone();
    let ended = caught(move || {
        single().block_on(scope::tokio(|s| async move {
            s.spawn(until_aborted(noted.clone(), "a"));
            s.spawn(until_aborted(noted, "b"));
            yield_now().await;
            assert!(cancel_token().is_cancelled(), "of the body");
        }));
    });
    assert_eq!(ended, Err("of the body".to_owned()));
    let mut entries: Vec<String> = log.take().split(' ').map(str::to_owned).collect();
    entries.sort();
    assert_eq!(entries, ["a", "b"]);
}

/// Ends by being cancelled only.
#[must_cleanup]
async fn until_aborted(log: SharedLog, name: &'static str) {
    #[cleanup(log.note(entry), on = cancel)]
    let entry = name;
    let _ = &entry;
    pending::<()>().await;
}

#[test]
fn a_failed_task_aborts_its_siblings_and_their_cleanups_run() {
    let log = SharedLog::new();
    let noted = log.clone();
    let error = single().block_on(Options::new().try_tokio(|s| async move {
        for _ in 0..3 {
            s.spawn(until_aborted(noted.clone(), "cleaned"));
        }
        // On one thread, all of them have begun after this.
        yield_now().await;
        let sibling = s.spawn(pending::<()>());
        s.task().name("parser").spawn_fallible(async { "x".parse::<u32>() });
        assert!(sibling.await.unwrap_err().is_cancelled());
        assert_eq!(cancel_token().cause(), Some(CancelCause::SiblingFailed));
    }));
    let error = error.unwrap_err();
    assert_eq!(error.failures().len(), 1);
    let failure = &error.failures()[0];
    assert_eq!((failure.name.as_deref(), failure.kind), (Some("parser"), FailureKind::Failed));
    assert_eq!(failure.location.file(), file!());
    assert!(error.to_string().starts_with("child `parser` failed at "), "{error}");
    assert_eq!(log.take(), "cleaned cleaned cleaned");
}

#[test]
fn the_error_of_a_scope_names_every_failed_task_that_nobody_awaited() {
    let error =
        single().block_on(Options::new().on_failure(OnFailure::Wait).try_tokio(|s| async move {
            s.task().name("a").spawn(async { panic!("in a") });
            s.task().name("b").spawn_fallible(async { Err::<(), _>("in b") });
            let awaited = s.spawn_fallible(async { Err::<(), _>("awaited") }).await.unwrap();
            assert_eq!(awaited, Err("awaited"));
            s.spawn(async {}).await.unwrap();
        }));
    let error = error.unwrap_err();
    let mut failures: Vec<_> = error
        .failures()
        .iter()
        .map(|failure| (failure.name.as_deref().unwrap_or("?"), failure.message.as_str()))
        .collect();
    failures.sort_unstable();
    assert_eq!(failures, [("a", "in a"), ("b", "in b")]);
}

#[test]
fn a_scope_that_is_dropped_aborts_its_tasks_and_drain_waits_for_them() {
    for runtime in [single(), multi()] {
        let alive = Arc::new(AtomicUsize::new(0));
        let log = SharedLog::new();
        runtime.block_on(async {
            let scoped = scope::tokio(|s| {
                let (alive, log) = (&alive, &log);
                async move {
                    let (started, has_started) = oneshot::channel();
                    for _ in 0..100 {
                        let guard = Alive::new(alive);
                        s.spawn(async move {
                            let _guard = guard;
                            pending::<()>().await;
                        });
                    }
                    s.spawn(until_aborted(log.clone(), "cleaned"));
                    s.spawn(async move { started.send(()) });
                    has_started.await.expect("it starts");
                    pending::<()>().await;
                }
            });
            let ended = tokio::time::timeout(Duration::from_millis(20), scoped).await;
            assert!(ended.is_err());
            drain().await;
            assert_eq!(alive.load(Ordering::SeqCst), 0);
            assert_eq!(log.take(), "cleaned");
        });
    }
}

#[test]
fn a_scope_that_ends_or_is_dropped_takes_no_children_any_more() {
    let runtime = single();
    let alive = Arc::new(AtomicUsize::new(0));
    let refused = |s: &TaskScope| {
        let guard = Alive::new(&alive);
        assert!(s.try_spawn(async {}).is_err());
        let handle = s.spawn(async move {
            let _guard = guard;
            unreachable!("it does not begin");
        });
        // No runtime can begin it, and nobody need wait for it.
        assert_eq!(alive.load(Ordering::SeqCst), 0);
        handle
    };
    runtime.block_on(async {
        let kept = scope::tokio(|s| async move { s }).await;
        assert!(refused(&kept).await.unwrap_err().is_cancelled());

        let (give, got) = mpsc::channel();
        let mut scoped = Box::pin(scope::tokio(move |s| async move {
            give.send(s).unwrap();
            pending::<()>().await;
        }));
        assert!(scoped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let kept = got.recv().unwrap();
        drop(scoped);
        assert!(refused(&kept).await.unwrap_err().is_cancelled());
    });
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}

#[test]
fn a_task_that_is_being_aborted_cannot_spawn_past_the_end() {
    struct SpawnsInDrop(TaskScope, Arc<AtomicUsize>);
    impl Drop for SpawnsInDrop {
        fn drop(&mut self) {
            let guard = Alive::new(&self.1);
            self.0.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
        }
    }
    for runtime in [single(), multi()] {
        let alive = Arc::new(AtomicUsize::new(0));
        runtime.block_on(async {
            scope::tokio(|s| {
                let alive = &alive;
                async move {
                    for _ in 0..20 {
                        let spawns = SpawnsInDrop(s.clone(), Arc::clone(alive));
                        s.spawn(async move {
                            let _spawns = spawns;
                            pending::<()>().await;
                        });
                    }
                    cancel_token().cancel_with(CancelCause::SiblingFailed);
                }
            })
            .await;
            assert_eq!(alive.load(Ordering::SeqCst), 0);
        });
    }
}

#[test]
fn a_limit_is_never_exceeded_and_everything_runs() {
    let [running, most, ran] = [(); 3].map(|()| Arc::new(AtomicUsize::new(0)));
    multi().block_on(Options::new().limit(3).tokio(|s| {
        let (running, most, ran) = (&running, &most, &ran);
        async move {
            for blocking in [false, true] {
                for _ in 0..40 {
                    let (alive, most) = (Arc::clone(running), Arc::clone(most));
                    let ran = Arc::clone(ran);
                    let look = move || {
                        let alive = Alive::new(&alive);
                        most.fetch_max(alive.0.load(Ordering::SeqCst), Ordering::SeqCst);
                        ran.fetch_add(1, Ordering::SeqCst);
                        alive
                    };
                    if blocking {
                        s.spawn_blocking(move || drop(look()));
                    } else {
                        s.spawn(async move {
                            let alive = look();
                            yield_now().await;
                            drop(alive);
                        });
                    }
                }
            }
        }
    }));
    assert_eq!(ran.load(Ordering::SeqCst), 80);
    assert!((1..=3).contains(&most.load(Ordering::SeqCst)), "{most:?}");
}

#[test]
fn deadlines_are_inherited_and_abort_the_tasks() {
    let outer = CancelToken::new().child_with_timeout(Duration::from_millis(20));
    let ended = single().block_on(outer.in_scope(
        Options::new().timeout(Duration::from_secs(80)).tokio(|s| async move {
            assert_eq!(s.cancel_token().deadline(), cancel_token().deadline());
            let task = s.spawn(scope::tokio(|s| async move {
                // Its own deadline is the same one, and may be the first to be seen.
                assert!(s.spawn(pending::<()>()).await.unwrap_err().is_cancelled());
                pending::<()>().await;
            }));
            task.await.unwrap_err().is_cancelled()
        }),
    ));
    assert!(ended);
}

#[test]
fn a_cooperative_cause_lets_tasks_end_by_themselves() {
    for cause in [CancelCause::Requested, CancelCause::Shutdown { immediate: false }] {
        let ended = single().block_on(scope::tokio(|s| async move {
            let task = s.spawn(async { cancel_token().cancelled().await });
            yield_now().await;
            s.cancel_token().cancel_with(cause);
            task.await.unwrap()
        }));
        assert_eq!(ended, cause);
    }
}

#[test]
fn a_second_shutdown_aborts_what_the_first_one_did_not() {
    single().block_on(scope::tokio(|s| async move {
        let task = s.spawn(pending::<()>());
        yield_now().await;
        s.cancel_token().cancel_with(CancelCause::Shutdown { immediate: false });
        for _ in 0..5 {
            yield_now().await;
        }
        assert!(!task.is_finished());
        s.cancel_token().cancel_with(CancelCause::Shutdown { immediate: true });
        assert!(task.await.unwrap_err().is_cancelled());
    }));
}

#[test]
fn without_a_runtime_the_panic_says_so_before_anything_is_spawned() {
    let ran = AtomicUsize::new(0);
    let message = caught(|| {
        futures::executor::block_on(scope::tokio(|_| async {
            ran.fetch_add(1, Ordering::Relaxed);
        }));
    })
    .unwrap_err();
    assert!(message.contains("is not awaited in a tokio runtime"), "{message}");
    assert!(message.contains(file!()), "{message}");
    assert_eq!(ran.into_inner(), 0);
}

#[test]
fn a_scope_works_in_select_in_another_scope_and_under_ten_thousand_tasks() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let won = multi().block_on(async move {
        tokio::select! {
            biased;
            () = scope::tokio(|_| pending()) => 0,
            won = scope::tokio(|s| async move {
                for _ in 0..100 {
                    let count = Arc::clone(&counted);
                    s.spawn(scope::tokio(move |s| async move {
                        for _ in 0..100 {
                            let count = Arc::clone(&count);
                            s.spawn(async move { count.fetch_add(1, Ordering::Relaxed) });
                        }
                    }));
                }
                1
            }) => won,
        }
    });
    assert_eq!((won, count.load(Ordering::Relaxed)), (1, 10_000));
    drained();
}

#[test]
fn a_task_aborted_from_outside_ends_and_nobody_else_hears() {
    let ended = single().block_on(Options::new().try_tokio(|s| async move {
        let task = s.spawn(pending::<()>());
        let sibling = s.spawn(async {
            yield_now().await;
            7
        });
        task.abort_handle().unwrap().abort();
        assert!(task.await.unwrap_err().is_cancelled());
        sibling.await.unwrap()
    }));
    assert_eq!(ended.unwrap(), 7);
}

fn is_send<F: Future + Send>(_: &F) -> bool {
    true
}

#[test]
fn the_future_of_a_scope_is_send_where_its_body_is() {
    let text = String::from("borrowed");
    let text = &text;
    let scoped = scope::tokio(|s| async move {
        s.spawn(async {}).await.unwrap();
        text.len()
    });
    assert!(is_send(&scoped));
    let scoped = pin!(scoped);
    assert_eq!(single().block_on(scoped), 8);
}

#[test]
fn a_limit_holds_for_blocking_tasks_too() {
    let begun = Arc::new(AtomicUsize::new(0));
    let (end, ends) = std::sync::mpsc::channel::<()>();
    let ends = Arc::new(std::sync::Mutex::new(ends));
    let count = Arc::clone(&begun);
    multi().block_on(Options::new().limit(2).tokio(|s| async move {
        for _ in 0..4 {
            let (begun, ends) = (Arc::clone(&count), Arc::clone(&ends));
            s.spawn_blocking(move || {
                begun.fetch_add(1, Ordering::SeqCst);
                // At the end of the body.
                let _ = ends.lock().unwrap().recv();
            });
        }
        while count.load(Ordering::SeqCst) < 2 {
            yield_now().await;
        }
        // Time for the others to begin, on threads of their own, if they could.
        for _ in 0..100 {
            tokio::task::spawn_blocking(std::thread::yield_now).await.unwrap();
        }
        assert_eq!(count.load(Ordering::SeqCst), 2);
        drop(end);
    }));
    assert_eq!(begun.load(Ordering::SeqCst), 4);
}
