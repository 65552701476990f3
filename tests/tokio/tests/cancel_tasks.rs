//! `CancelToken` in tasks.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use backstop::{CancelCause, CancelToken, cancel_token, must_cleanup};
use backstop_tests_tokio::SharedLog;
use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_task_that_waits_is_woken_once_and_told_the_cause() {
    let token = CancelToken::new();
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    let mut context = Context::from_waker(&waker);
    let mut waits = pin!(token.child().cancelled());
    for _ in 0..3 {
        assert!(waits.as_mut().poll(&mut context).is_pending());
    }
    token.cancel_with(CancelCause::SiblingFailed);
    token.cancel();
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    assert_eq!(waits.as_mut().poll(&mut context), Poll::Ready(CancelCause::SiblingFailed));
}

#[test]
fn when_a_task_is_woken_every_descendant_is_cancelled_already() {
    struct Looks(Vec<CancelToken>, AtomicUsize);
    impl Wake for Looks {
        fn wake(self: Arc<Self>) {
            let cancelled = self.0.iter().filter(|token| token.is_cancelled()).count();
            self.1.store(cancelled, Ordering::Relaxed);
        }
    }
    let token = CancelToken::new();
    let descendants: Vec<_> = (0..10).map(|_| token.child().child()).collect();
    let looks = Arc::new(Looks(descendants, AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&looks));
    let mut waits = pin!(token.cancelled());
    assert!(waits.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    token.cancel();
    assert_eq!(looks.1.load(Ordering::Relaxed), 10);
}

#[test]
fn a_wait_that_is_dropped_leaves_nothing_behind() {
    let token = CancelToken::new();
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    {
        let mut waits = pin!(token.cancelled());
        assert!(waits.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(Arc::strong_count(&count), 3);
    }
    assert_eq!(Arc::strong_count(&count), 2);
    token.cancel();
    assert_eq!(count.0.load(Ordering::Relaxed), 0);
}

#[test]
fn a_task_that_moves_is_woken_where_it_waits_now() {
    let token = CancelToken::new();
    let counts = [(); 2].map(|()| Arc::new(Count::default()));
    let mut waits = pin!(token.cancelled());
    for count in &counts {
        let waker = Waker::from(Arc::clone(count));
        assert!(waits.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    token.cancel();
    assert_eq!(counts.map(|count| count.0.load(Ordering::Relaxed)), [0, 1]);
}

/// c4: 8 s, inside 5 s, inside 3 s.
#[test]
fn c4_a_ladder_of_deadlines_ends_at_the_earliest() {
    async fn layer(timeouts: &[u64]) -> CancelCause {
        let Some((first, rest)) = timeouts.split_first() else { return pending().await };
        let token = cancel_token().child_with_timeout(Duration::from_millis(*first));
        match token.run(Box::pin(layer(rest))).await {
            Ok(cause) => cause,
            Err(cancelled) => cancelled.cause,
        }
    }
    for timeouts in [[20, 80_000, 50_000], [80_000, 50_000, 20], [80_000, 20, 50_000]] {
        let begun = Instant::now();
        assert_eq!(runtime().block_on(layer(&timeouts)), CancelCause::Deadline);
        assert!(begun.elapsed() >= Duration::from_millis(20), "{:?}", begun.elapsed());
    }
}

/// c3: from parent to child, never back.
#[test]
fn c3_the_parent_cancels_the_child_in_tasks_and_never_the_other_way_round() {
    runtime().block_on(async {
        let parent = CancelToken::new();
        let [first, second] = [(); 2].map(|()| parent.child());
        let tasks = [&first, &second].map(|token| tokio::spawn(token.cancelled()));
        first.cancel();
        let [one, two] = tasks;
        assert_eq!(one.await.unwrap(), CancelCause::Requested);
        assert!(!parent.is_cancelled() && !second.is_cancelled());
        parent.cancel_with(CancelCause::Shutdown { immediate: false });
        assert_eq!(two.await.unwrap(), CancelCause::Shutdown { immediate: false });
    });
}

#[test]
fn run_drops_the_future_before_it_says_so_with_the_token_at_hand() {
    #[must_cleanup]
    async fn works(log: &SharedLog) {
        #[cleanup(log.note(format!("{:?}", cancel_token().cause())), on = cancel)]
        let _a = 1;
        log.note("began");
        pending::<()>().await;
    }
    let log = SharedLog::new();
    let token = CancelToken::new();
    let mut run = pin!(token.run(works(&log)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(run.as_mut().poll(&mut context).is_pending());
    token.cancel();
    assert!(matches!(run.as_mut().poll(&mut context), Poll::Ready(Err(_))));
    assert_eq!(log.take(), "began Some(Requested)");
    // Cancelled before: nothing begins.
    let mut run = pin!(token.run(works(&log)));
    assert!(matches!(run.as_mut().poll(&mut context), Poll::Ready(Err(_))));
    assert_eq!(log.take(), "");
}

#[test]
fn the_ambient_token_is_the_tasks_own_whatever_thread_polls_it() {
    runtime().block_on(async {
        let tokens: Vec<CancelToken> = (0..8).map(|_| CancelToken::new()).collect();
        let tasks: Vec<_> = tokens
            .iter()
            .map(|token| {
                let own = token.clone();
                tokio::spawn(token.in_scope(async move {
                    for turn in 0..50 {
                        yield_now().await;
                        // Each cancels its own, in the middle, through the ambient one alone.
                        assert_eq!(own.is_cancelled(), turn > 25);
                        if turn == 25 {
                            cancel_token().cancel();
                        }
                    }
                }))
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert!(!cancel_token().is_cancelled());
    });
}

#[test]
fn a_token_of_tokio_util_cancels_ours_at_once_and_not_the_other_way_round() {
    let theirs = CancellationToken::new();
    let ours = CancelToken::from(theirs.child_token());
    let child = ours.child();
    let begun = thread::scope(|s| {
        let waits = s.spawn(|| child.wait());
        theirs.cancel();
        assert_eq!(ours.cause(), Some(CancelCause::Requested));
        waits.join().unwrap()
    });
    assert_eq!(begun, CancelCause::Requested);
    assert!(CancelToken::from(theirs).is_cancelled());

    let theirs = CancellationToken::new();
    CancelToken::from(theirs.clone()).cancel();
    assert!(!theirs.is_cancelled());
    // Ours is gone: theirs may go on.
    theirs.cancel();
}

#[test]
fn a_token_of_ours_cancels_theirs_at_once_and_when_its_deadline_passes() {
    let ours = CancelToken::new();
    let theirs = CancellationToken::from(&ours.child());
    assert!(!theirs.is_cancelled());
    let kept = CancellationToken::from(&ours);
    theirs.cancel();
    assert!(!ours.is_cancelled());
    ours.cancel();
    assert!(kept.is_cancelled());
    assert!(CancellationToken::from(ours).is_cancelled());

    let late = CancelToken::new().child_with_timeout(Duration::from_millis(5));
    let theirs = CancellationToken::from(late);
    futures::executor::block_on(theirs.cancelled());
}

#[test]
fn a_cancellation_races_waits_without_losing_one() {
    for _ in 0..200 {
        let token = CancelToken::new();
        thread::scope(|s| {
            let waits: Vec<_> = (0..3)
                .map(|_| s.spawn(|| futures::executor::block_on(token.child().cancelled())))
                .collect();
            token.cancel();
            for wait in waits {
                assert_eq!(wait.join().unwrap(), CancelCause::Requested);
            }
        });
    }
}

#[test]
fn a_polled_run_goes_on_until_its_end() {
    let mut left = 3;
    let counts = poll_fn(move |cx| {
        left -= 1;
        cx.waker().wake_by_ref();
        if left == 0 { Poll::Ready(7) } else { Poll::Pending }
    });
    assert_eq!(futures::executor::block_on(CancelToken::new().run(counts)), Ok(7));
}
