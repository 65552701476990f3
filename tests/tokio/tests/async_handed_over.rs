//! `#[cleanup(async { .. })]` where nobody is left to await it: on the cleanup runtime, once, whole or
//! reported.

use std::future::{Future, pending};
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use backstop::{EventKind, Outcome, defer, drain, must_cleanup};
use backstop_tests::caught;
use backstop_tests_tokio::{SharedLog, drained, events, polled};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::yield_now;

async fn open(name: &'static str, log: &SharedLog) -> (&'static str, SharedLog) {
    yield_now().await;
    log.note(format!("+{name}"));
    (name, log.clone())
}

async fn close((name, log): (&'static str, SharedLog)) {
    for _ in 0..3 {
        yield_now().await;
    }
    log.note(format!("-{name}"));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

#[must_cleanup]
async fn three(log: &SharedLog) -> Result<usize, &'static str> {
    #[cleanup(async { close(a).await })]
    let a = open("a", log).await;
    #[cleanup(async { close(b).await })]
    let b = open("b", log).await;
    for _ in 0..2 {
        #[cleanup(async { close(c).await })]
        let c = open("c", log).await;
        yield_now().await;
        if c.0.is_empty() {
            return Err("no name");
        }
    }
    yield_now().await;
    Ok(a.0.len() + b.0.len())
}

/// Every opened name is closed exactly once.
fn accounted(log: &str) {
    for name in ["a", "b", "c"] {
        let count = |sign: char| log.split(' ').filter(|e| *e == format!("{sign}{name}")).count();
        assert_eq!(count('+'), count('-'), "{log}");
    }
}

#[test]
fn dropped_at_every_await_each_async_cleanup_ends_exactly_once() {
    let log = SharedLog::new();
    let mut polls = 0;
    loop {
        let ended = polled(polls, three(&log));
        drained();
        accounted(&log.take());
        if ended.is_some() {
            break;
        }
        polls += 1;
    }
    // Each of the four cleanups waits three times, each of the four opens once, and three yields.
    assert_eq!(polls, 4 * 3 + 4 + 3 + 1);
}

#[test]
fn those_of_one_call_run_in_reverse_order_one_after_the_other() {
    #[must_cleanup]
    async fn waits(log: &SharedLog) {
        #[cleanup(async { close(a).await })]
        let a = open("a", log).await;
        #[cleanup(async { close(b).await })]
        let b = open("b", log).await;
        #[cleanup(async { close(c).await })]
        let c = open("c", log).await;
        let _ = (&a, &b, &c);
        pending::<()>().await;
    }
    let log = SharedLog::new();
    for _ in 0..100 {
        assert_eq!(polled(10, waits(&log)), None);
    }
    drained();
    let entries = log.take();
    let closed: Vec<&str> = entries.split(' ').filter(|e| e.starts_with('-')).collect();
    assert_eq!(closed.len(), 300);
    let per_name = |name: &str| closed.iter().filter(|e| **e == name).count();
    assert_eq!([per_name("-a"), per_name("-b"), per_name("-c")], [100; 3]);
    // Of the first n closed, there are never more `a` than `b`, nor more `b` than `c`.
    let (mut a, mut b, mut c) = (0, 0, 0);
    for entry in closed {
        match entry {
            "-a" => a += 1,
            "-b" => b += 1,
            _ => c += 1,
        }
        assert!(a <= b && b <= c, "{entries}");
    }
}

#[test]
fn a_cleanup_that_is_cut_off_halfway_goes_on_where_it_was() {
    #[must_cleanup]
    async fn halfway(log: &SharedLog) {
        let noted = log.clone();
        #[cleanup(async {
            for step in 0..4 {
                noted.note(step.to_string());
                yield_now().await;
            }
        })]
        let _a = 1;
    }
    for polls in 0..5 {
        let log = SharedLog::new();
        assert_eq!(polled(polls, halfway(&log)), None);
        drained();
        let expected = if polls == 0 { "" } else { "0 1 2 3" };
        assert_eq!(log.take(), expected, "after {polls} polls");
    }
}

#[test]
fn the_outcome_of_a_dropped_future_is_cancel() {
    #[must_cleanup]
    async fn waits(log: &SharedLog) {
        let [cancel, success, failure] = [(); 3].map(|()| log.clone());
        #[cleanup(async move { cancel.note("cancel") }, on = cancel)]
        let _a = 1;
        #[cleanup(async move { success.note("success") }, on = [success, error, unwind])]
        let _b = 2;
        #[cleanup(async move { failure.note("failure") }, on = failure)]
        let _c = 3;
        yield_now().await;
    }
    let log = SharedLog::new();
    assert_eq!(polled(1, waits(&log)), None);
    drained();
    assert_eq!(log.take(), "failure cancel");
    assert_eq!(polled(2, waits(&log)), Some(()));
    assert_eq!(log.take(), "success");
}

#[test]
fn a_panic_in_the_body_hands_over_and_runs_the_sync_ones_at_once() {
    #[must_cleanup]
    async fn panics(log: &SharedLog) {
        defer! { log.note("sync") }
        let noted = log.clone();
        #[cleanup(async { noted.note("async") }, on = unwind)]
        let _a = 1;
        yield_now().await;
        panic!("of the body");
    }
    let log = SharedLog::new();
    assert_eq!(caught(|| runtime().block_on(panics(&log))), Err("of the body".to_owned()));
    drained();
    let entries = log.take();
    assert!(entries == "sync async" || entries == "async sync", "{entries}");
}

#[test]
fn a_hidden_exit_hands_over_as_an_error() {
    macro_rules! bail {
        () => {
            return Err("hidden")
        };
    }
    #[must_cleanup]
    async fn bails(log: &SharedLog) -> Result<(), &'static str> {
        let noted = log.clone();
        #[cleanup(async { noted.note("rolled back") }, on = error)]
        let a = 1;
        yield_now().await;
        if *a == 1 {
            bail!();
        }
        Ok(())
    }
    let log = SharedLog::new();
    assert_eq!(runtime().block_on(bails(&log)), Err("hidden"));
    drained();
    assert_eq!(log.take(), "rolled back");
}

#[test]
fn a_panic_in_an_awaited_cleanup_goes_on_and_the_rest_unwind() {
    #[must_cleanup]
    async fn panics(log: &SharedLog) {
        #[cleanup(log.note("outer"), on = unwind)]
        let _a = 1;
        #[cleanup(
            async {
                yield_now().await;
                assert_eq!(1, 2, "of the cleanup");
            },
            name = "panics in place"
        )]
        let _b = 2;
    }
    events(|_| false);
    let log = SharedLog::new();
    let message = caught(|| runtime().block_on(panics(&log))).unwrap_err();
    assert!(message.contains("of the cleanup"), "{message}");
    assert_eq!(log.take(), "outer");
    let seen = events(|event| event.name == "panics in place");
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].kind, seen[0].outcome), (EventKind::CleanupPanicked, Outcome::Success));
}

#[test]
fn what_fails_or_panics_on_the_cleanup_runtime_is_an_event_and_the_rest_run() {
    #[must_cleanup]
    async fn fails(log: &SharedLog) {
        let noted = log.clone();
        #[cleanup(async { noted.note("last") })]
        let _a = 1;
        #[cleanup(async { assert_eq!(1, 2, "handed over") }, name = "panics there")]
        let _b = 2;
        #[cleanup(async { Err::<(), _>("no") }, name = "fails there")]
        let _c = 3;
        pending::<()>().await;
    }
    events(|_| false);
    let log = SharedLog::new();
    assert_eq!(polled(1, fails(&log)), None);
    drained();
    assert_eq!(log.take(), "last");
    let seen = events(|event| event.name.ends_with(" there"));
    let kinds: Vec<_> = seen.iter().map(|event| (event.kind, event.outcome)).collect();
    let expected = [EventKind::CleanupFailed, EventKind::CleanupPanicked];
    assert_eq!(kinds, expected.map(|kind| (kind, Outcome::Cancel)));
    assert_eq!(seen[0].message, "no");
    assert_eq!(seen[0].thread_name.as_deref(), Some("backstop-cleanup"));
}

/// Hangs, until its value is dropped.
async fn hang(_held: impl Send) {
    pending::<()>().await;
}

struct Told(mpsc::Sender<()>);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[test]
fn a_cleanup_that_hangs_is_dropped_at_its_timeout_and_reported_in_place_and_there() {
    #[must_cleanup]
    async fn hangs(told: mpsc::Sender<()>, waits: bool) -> u32 {
        #[cleanup(async { hang(told).await }, timeout = "20ms", name = "hangs")]
        let told = Told(told);
        let _ = &told;
        if waits {
            pending::<()>().await;
        }
        7
    }
    events(|_| false);
    let (told, dropped) = mpsc::channel();
    // On an executor without any timer of its own.
    assert_eq!(futures::executor::block_on(hangs(told.clone(), false)), 7);
    dropped.try_recv().expect("dropped at its timeout");
    assert_eq!(polled(1, hangs(told, true)), None);
    drained();
    dropped.try_recv().expect("dropped at its timeout there, too");
    let seen = events(|event| event.name == "hangs");
    let kinds: Vec<_> = seen.iter().map(|event| (event.kind, event.outcome)).collect();
    let timed_out = EventKind::CleanupTimedOut;
    assert_eq!(kinds, [(timed_out, Outcome::Success), (timed_out, Outcome::Cancel)]);
    assert_eq!(seen[0].message, "not done after 20ms");
}

#[test]
fn a_runtime_that_shuts_down_hands_over_what_its_tasks_owe() {
    #[must_cleanup]
    async fn owes(log: SharedLog, started: mpsc::Sender<()>) {
        #[cleanup(async { close(a).await })]
        let a = ("a", log);
        let _ = &a;
        started.send(()).expect("the test listens");
        drop(started);
        pending::<()>().await;
    }
    let log = SharedLog::new();
    for workers in [0, 2] {
        let runtime = match workers {
            0 => runtime(),
            workers => {
                tokio::runtime::Builder::new_multi_thread().worker_threads(workers).build().unwrap()
            }
        };
        let (started, all_started) = mpsc::channel();
        for _ in 0..50 {
            let (log, started) = (log.clone(), started.clone());
            runtime.spawn(owes(log, started));
        }
        drop(started);
        // On one thread, tasks run while somebody blocks on the runtime.
        runtime.block_on(yield_now());
        assert_eq!(all_started.iter().count(), 50);
        // Drops every task.
        drop(runtime);
        drained();
        let entries = log.take();
        assert_eq!(entries.split(' ').filter(|e| *e == "-a").count(), 50, "{entries}");
    }
}

#[test]
fn an_aborted_task_hands_over() {
    #[must_cleanup]
    async fn owes(log: SharedLog, started: tokio::sync::oneshot::Sender<()>) {
        #[cleanup(async { close(a).await }, on = cancel)]
        let a = ("a", log);
        let _ = &a;
        started.send(()).expect("the test listens");
        pending::<()>().await;
    }
    let log = SharedLog::new();
    runtime().block_on(async {
        let (started, has_started) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(owes(log.clone(), started));
        has_started.await.expect("it starts");
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        drain().await;
        assert_eq!(log.take(), "-a");
    });
}

#[test]
fn a_handed_over_cleanup_may_itself_be_cut_off_spawn_and_hand_over() {
    #[must_cleanup]
    async fn inner(log: SharedLog) {
        #[cleanup(async { close(b).await })]
        let b = ("b", log);
        let _ = &b;
        pending::<()>().await;
    }
    #[must_cleanup]
    async fn outer(log: &SharedLog) {
        let inner_log = log.clone();
        #[cleanup(async {
            let task = tokio::spawn(inner(inner_log));
            yield_now().await;
            task.abort();
            let _ = task.await;
            close(a).await;
        })]
        let a = ("a", log.clone());
        let _ = &a;
        pending::<()>().await;
    }
    let log = SharedLog::new();
    assert_eq!(polled(1, outer(&log)), None);
    drained();
    let mut entries: Vec<String> = log.take().split(' ').map(str::to_owned).collect();
    entries.sort();
    assert_eq!(entries, ["-a", "-b"]);
}

#[test]
fn a_handed_over_cleanup_may_open_a_connection_of_its_own() {
    #[must_cleanup]
    async fn leased(server: SocketAddr) {
        #[cleanup(async move {
            let mut stream = TcpStream::connect(server).await?;
            stream.write_all(b"release").await
        })]
        let _lease = ();
        pending::<()>().await;
    }
    let server = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    assert_eq!(polled(1, leased(server.local_addr().unwrap())), None);
    // It ends, also where it fails: nobody would come to be accepted then.
    drained();
    server.set_nonblocking(true).unwrap();
    let (mut released, _) = server.accept().expect("the cleanup connects");
    released.set_nonblocking(false).unwrap();
    let mut said = String::new();
    released.read_to_string(&mut said).unwrap();
    assert_eq!(said, "release");
}

#[test]
fn drain_waits_on_any_executor_and_thread() {
    #[must_cleanup]
    async fn owes(log: SharedLog) {
        #[cleanup(async { tokio::time::sleep(Duration::from_millis(5)).await; close(a).await })]
        let a = ("a", log);
        let _ = &a;
        pending::<()>().await;
    }
    let log = SharedLog::new();
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let log = log.clone();
            thread::spawn(move || {
                assert_eq!(polled(1, owes(log)), None);
                futures::executor::block_on(drain());
            })
        })
        .collect();
    for thread in waiting {
        thread.join().expect("drained");
    }
    assert_eq!(log.take(), "-a -a -a -a");
}

#[test]
fn a_future_that_ends_during_an_unwind_keeps_its_cleanup_contained() {
    #[must_cleanup]
    async fn panics() {
        #[cleanup(async { assert_eq!(1, 2, "second") }, name = "second panic")]
        let _a = 1;
    }
    events(|_| false);
    let ended = backstop_tests::during_unwind(|| polled(9, panics()));
    assert_eq!(ended, Ok(Some(())));
    assert_eq!(events(|event| event.name == "second panic").len(), 1);
}

fn is_send<F: Future + Send>(_: &F) -> bool {
    true
}

#[test]
fn the_future_stays_send() {
    assert!(is_send(&three(&SharedLog::new())));
}
