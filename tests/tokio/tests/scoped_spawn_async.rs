//! `#[scoped_spawn] async fn`.

use std::error::Error;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::Duration;

use backstop::scope::DeadlineExceeded;
use backstop::{CancelToken, cancel_token, drain, must_cleanup, scoped_spawn};
use backstop_tests::caught;
use backstop_tests_tokio::{SharedLog, events};
use tokio::sync::oneshot;
use tokio::task::{self, yield_now};

fn single() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

fn is_send<F: Future + Send>(future: F) -> F {
    future
}

async fn count(count: Arc<AtomicUsize>) -> usize {
    for _ in 0..3 {
        yield_now().await;
    }
    count.fetch_add(1, Ordering::Relaxed)
}

#[test]
fn every_spelling_of_a_spawn_is_joined_before_the_function_returns() {
    #[scoped_spawn]
    async fn spawns(counts: &Arc<AtomicUsize>) -> usize {
        use tokio::spawn;
        tokio::spawn(count(Arc::clone(counts)));
        ::tokio::spawn(count(Arc::clone(counts)));
        tokio::task::spawn(count(counts.clone()));
        task::spawn(count(counts.clone()));
        spawn(count(counts.clone()));
        let blocking = counts.clone();
        task::spawn_blocking(move || blocking.fetch_add(1, Ordering::Relaxed));
        let nested = counts.clone();
        tokio::spawn(async {
            let deeper = nested.clone();
            tokio::spawn(async move {
                tokio::spawn(count(deeper));
            });
            count(nested).await
        });
        let handle: task::JoinHandle<usize> = tokio::spawn(async { 40 });
        handle.await.unwrap() + 2
    }
    let counts = Arc::new(AtomicUsize::new(0));
    assert_eq!(single().block_on(is_send(spawns(&counts))), 42);
    assert_eq!(counts.load(Ordering::Relaxed), 8);
}

#[test]
fn spawns_in_macros_of_known_syntax_are_joined_before_the_function_returns() {
    #[scoped_spawn]
    async fn spawns(counts: &Arc<AtomicUsize>) {
        tokio::select! {
            () = yield_now(), if !tokio::spawn(count(counts.clone())).is_finished() => {
                tokio::spawn(count(counts.clone()));
            }
            () = pending() => {}
        }
        tokio::select! {
            _ = tokio::spawn(count(counts.clone())) => drop(tokio::spawn(count(counts.clone()))),
        }
        assert!(!tokio::spawn(count(counts.clone())).is_finished(), "it has just begun");
        assert!(
            matches!(task::spawn(count(counts.clone())), task if !task.is_finished()),
            "so has it"
        );
        drop(vec![task::spawn(count(counts.clone()))]);
    }
    let counts = Arc::new(AtomicUsize::new(0));
    single().block_on(is_send(spawns(&counts)));
    assert_eq!(counts.load(Ordering::Relaxed), 7);
}

#[test]
fn tasks_have_the_name_of_their_builder_or_else_of_the_attribute() {
    async fn panics() {
        yield_now().await;
        panic!("in a named task");
    }
    #[scoped_spawn(name = "fetch", on_failure = wait)]
    async fn spawns() -> std::io::Result<()> {
        tokio::spawn(panics());
        tokio::task::Builder::new().name("parse").spawn(panics())?;
        let builder: task::Builder<'_> = task::Builder::new().name("hash");
        let hash = builder.spawn_blocking(|| 42)?;
        tokio::task::Builder::new().spawn(async {
            tokio::task::Builder::new().name("deeper").spawn(panics()).map(drop)
        })?;
        assert_eq!(hash.await.unwrap(), 42);
        panic!("in the body");
    }
    #[scoped_spawn(name = "hasher")]
    fn threads() -> Option<String> {
        std::thread::spawn(|| std::thread::current().name().map(str::to_owned)).join().unwrap()
    }
    let seen = || events(|event| event.message == "in a named task");
    assert!(seen().is_empty());
    // The body's panic goes on; the others are events.
    assert_eq!(caught(|| single().block_on(spawns())).unwrap_err(), "in the body");
    let mut names: Vec<String> = seen().into_iter().map(|event| event.name).collect();
    names.sort_unstable();
    assert_eq!(names, ["deeper", "fetch", "parse"]);
    // In an error, and on a thread.
    assert_eq!(threads().as_deref(), Some("hasher"));
    let failed = backstop::scope::Options::new().name("fetch").try_tokio(|s| async move {
        s.spawn_fallible(async { "x".parse::<u32>() });
    });
    let error = single().block_on(failed).unwrap_err();
    assert_eq!(error.failures()[0].name.as_deref(), Some("fetch"));
}

#[test]
fn the_body_may_borrow_leave_early_and_fail() {
    struct Server {
        log: SharedLog,
    }
    #[scoped_spawn]
    impl Server {
        async fn serve(&mut self, text: &str) -> Result<u32, Box<dyn Error + Send + Sync>> {
            let log = self.log.clone();
            tokio::spawn(async move {
                yield_now().await;
                log.note("task");
            });
            if text.is_empty() {
                return Ok(0);
            }
            let n = text.parse::<u32>()?;
            self.log.note("body");
            Ok(n)
        }

        async fn nothing(&self) -> usize {
            yield_now().await;
            self.log.clone().take().len()
        }
    }
    let mut server = Server { log: SharedLog::new() };
    assert_eq!(single().block_on(is_send(server.serve("7"))).unwrap(), 7);
    assert_eq!(server.log.take(), "body task");
    assert_eq!(single().block_on(server.serve("")).unwrap(), 0);
    assert!(single().block_on(server.serve("x")).is_err());
    assert_eq!(server.log.take(), "task task");
    assert_eq!(single().block_on(server.nothing()), 0);
}

#[test]
fn a_deadline_stops_body_and_tasks_and_is_the_functions_error() {
    #[derive(Debug, thiserror::Error)]
    enum Failed {
        #[error(transparent)]
        Late(#[from] DeadlineExceeded),
    }
    #[must_cleanup]
    async fn cleans(log: SharedLog) {
        #[cleanup(log.note("task cleaned"), on = cancel)]
        let _a = 1;
        pending::<()>().await;
    }
    #[must_cleanup]
    #[scoped_spawn(deadline = "20ms")]
    async fn late(log: &SharedLog, waits: bool) -> Result<u32, Failed> {
        #[cleanup(log.note("body cleaned"), on = cancel)]
        let _a = 1;
        tokio::spawn(cleans(log.clone()));
        yield_now().await;
        if waits {
            pending::<()>().await;
        }
        cancel_token().cancel_with(backstop::CancelCause::SiblingFailed);
        Ok(7)
    }
    let log = SharedLog::new();
    assert!(matches!(single().block_on(late(&log, true)), Err(Failed::Late(_))));
    assert_eq!(log.take(), "body cleaned task cleaned");
    assert!(matches!(single().block_on(late(&log, false)), Ok(7)));
    assert_eq!(log.take(), "task cleaned");
}

#[test]
fn a_deadline_may_be_an_expression_of_the_parameters() {
    struct Limits {
        work: Duration,
    }
    #[scoped_spawn(deadline = limits.work)]
    async fn late(limits: &Limits) -> Result<(), DeadlineExceeded> {
        tokio::spawn(pending::<()>());
        pending().await
    }
    #[scoped_spawn(local, deadline = limits.work / 2)]
    async fn late_locally(limits: Limits) -> Result<(), DeadlineExceeded> {
        tokio::spawn(pending::<()>());
        pending().await
    }
    let limits = Limits { work: Duration::from_millis(20) };
    assert!(single().block_on(late(&limits)).is_err());
    assert!(single().block_on(late_locally(limits)).is_err());
}

#[test]
fn what_the_options_lock_is_free_when_the_body_runs() {
    #[scoped_spawn(deadline = *time.lock().unwrap(), limit = *limit.lock().unwrap())]
    async fn limited(
        time: &Mutex<Duration>,
        limit: &Mutex<usize>,
    ) -> Result<bool, DeadlineExceeded> {
        yield_now().await;
        Ok(time.try_lock().is_ok() && limit.try_lock().is_ok())
    }
    let (time, limit) = (Mutex::new(Duration::MAX), Mutex::new(1));
    assert!(single().block_on(is_send(limited(&time, &limit))).unwrap());
}

#[test]
fn options_may_come_out_of_a_macro() {
    macro_rules! limited {
        ($name:ident, $time:literal, $limit:expr) => {
            #[scoped_spawn(deadline = $time, limit = $limit)]
            async fn $name() -> Result<(), DeadlineExceeded> {
                tokio::spawn(pending::<()>());
                pending().await
            }
        };
    }
    limited!(late, "20ms", 2);
    assert!(single().block_on(late()).is_err());
}

#[test]
fn a_deadline_that_cuts_tasks_off_is_the_functions_error_though_its_body_has_ended() {
    #[derive(Debug, PartialEq, thiserror::Error)]
    enum Failed {
        #[error("too late")]
        Late,
        #[error("of its own")]
        Own,
    }
    impl From<DeadlineExceeded> for Failed {
        fn from(_: DeadlineExceeded) -> Self {
            Self::Late
        }
    }
    #[scoped_spawn(deadline = "20ms")]
    async fn leaves(result: Result<u32, Failed>) -> Result<u32, Failed> {
        tokio::spawn(pending::<()>());
        result
    }
    #[scoped_spawn(local, deadline = "20ms")]
    async fn leaves_local(result: Result<u32, Failed>) -> Result<u32, Failed> {
        tokio::spawn(pending::<()>());
        result
    }
    #[scoped_spawn(deadline = "1h")]
    async fn in_time() -> Result<u32, Failed> {
        tokio::spawn(yield_now());
        Ok(7)
    }
    #[scoped_spawn(local, deadline = "1h")]
    async fn in_time_local() -> Result<u32, Failed> {
        tokio::spawn(yield_now());
        Ok(7)
    }
    single().block_on(async {
        assert_eq!(leaves(Ok(7)).await, Err(Failed::Late));
        assert_eq!(leaves_local(Ok(7)).await, Err(Failed::Late));
        // What it failed with by itself says more.
        assert_eq!(leaves(Err(Failed::Own)).await, Err(Failed::Own));
        assert_eq!(leaves_local(Err(Failed::Own)).await, Err(Failed::Own));
        assert_eq!((in_time().await, in_time_local().await), (Ok(7), Ok(7)));
    });
}

#[test]
fn a_deadline_that_a_blocking_child_overruns_is_the_functions_error_though_its_work_is_done() {
    #[derive(Clone, Default)]
    struct Seen {
        token: Arc<OnceLock<CancelToken>>,
        body_ended: Arc<AtomicBool>,
        is_done: Arc<AtomicBool>,
    }
    #[scoped_spawn(deadline = limit)]
    async fn leaves(
        limit: Duration,
        seen: Seen,
        go: mpsc::Receiver<()>,
    ) -> Result<u32, DeadlineExceeded> {
        let (begun, begins) = oneshot::channel();
        let Seen { token, body_ended, is_done } = seen;
        token.set(cancel_token()).unwrap();
        task::spawn_blocking(move || {
            let _ = begun.send(());
            let _ = go.recv();
            is_done.store(true, Ordering::Release);
        });
        let _ = begins.await;
        body_ended.store(true, Ordering::Release);
        Ok(7)
    }
    /// Lets the child end when the scope has seen its deadline; tells whether the body had ended by then.
    async fn overruns(limit: Duration) -> bool {
        let seen = Seen::default();
        let (go, goes) = mpsc::channel();
        let mut go = Some(go);
        let mut scope = pin!(leaves(limit, seen.clone(), goes));
        let result = poll_fn(|cx| {
            let is_late = seen.token.get().is_some_and(CancelToken::is_cancelled);
            let polled = scope.as_mut().poll(cx);
            if is_late {
                go = None;
            } else {
                cx.waker().wake_by_ref();
            }
            polled
        });
        assert!(result.await.is_err());
        let body_ended = seen.body_ended.load(Ordering::Acquire);
        assert!(!body_ended || seen.is_done.load(Ordering::Acquire));
        body_ended
    }
    single().block_on(async {
        // On a busy machine the child may begin late.
        let mut limit = Duration::from_millis(20);
        while !overruns(limit).await {
            limit *= 2;
        }
    });
}

#[test]
fn a_limit_holds_and_siblings_of_a_panic_are_aborted() {
    #[scoped_spawn(limit = 2)]
    async fn limited(log: &SharedLog) {
        for n in 0..4 {
            let log = log.clone();
            tokio::spawn(async move {
                log.note(format!("+{n}"));
                yield_now().await;
                assert!(n != 3, "number 3");
                if n == 2 {
                    log.note("-2");
                    pending::<()>().await;
                }
                log.note(format!("-{n}"));
            });
        }
    }
    let log = SharedLog::new();
    assert_eq!(caught(|| single().block_on(limited(&log))), Err("number 3".to_owned()));
    let entries = log.take();
    let mut running = 0;
    for entry in entries.split(' ') {
        running += if entry.starts_with('+') { 1 } else { -1 };
        assert!((0..=2).contains(&running), "{entries}");
    }
    // The one that waits for ever was aborted, with the scope's last places taken.
    assert!(entries.contains("-2") && entries.contains("+3"), "{entries}");
}

/// c2: a handler that is dropped, because its client went away, leaves no task behind.
#[test]
fn c2_a_dropped_handler_takes_its_tasks_along() {
    #[must_cleanup]
    async fn lookup(log: SharedLog) {
        #[cleanup(log.note("cleaned"), on = cancel)]
        let _a = 1;
        pending::<()>().await;
    }
    #[scoped_spawn]
    async fn handler(log: SharedLog) {
        tokio::spawn(lookup(log.clone()));
        tokio::spawn(lookup(log)).await.unwrap();
    }
    let log = SharedLog::new();
    single().block_on(async {
        let handled = tokio::time::timeout(Duration::from_millis(10), handler(log.clone()));
        assert!(handled.await.is_err());
        drain().await;
        assert_eq!(log.take(), "cleaned cleaned");
    });
}
