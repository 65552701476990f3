//! Part C of docs/pitfalls.md, where it is about tasks: what never ends. Test names begin with the row.

use std::future::{Future, pending};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use backstop::scope::{DeadlineExceeded, Options};
use backstop::{CancelCause, CancelToken, cancel_token, drain, must_cleanup, scoped_spawn};
use backstop_tests_tokio::drained;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{interval, sleep, timeout};

/// Counts those of a kind that are there.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

struct One(Arc<AtomicUsize>);

impl Alive {
    fn one(&self) -> One {
        self.0.fetch_add(1, Ordering::Relaxed);
        One(Arc::clone(&self.0))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Sends what nobody receives.
async fn sends(_alive: One) {
    let (sender, _receiver) = mpsc::channel(1);
    for number in 0.. {
        sender.send(number).await.expect("the receiver is there");
    }
}

/// Waits for one of two that never come.
async fn selects(_alive: One) {
    let (_sender, mut receiver) = mpsc::channel::<()>(1);
    let (_answers, answer) = oneshot::channel::<()>();
    tokio::select! {
        _ = receiver.recv() => {}
        _ = answer => {}
    }
}

#[derive(Debug, thiserror::Error)]
#[error("too late")]
struct TooLate(#[from] DeadlineExceeded);

#[scoped_spawn(deadline = "20ms")]
async fn with_a_deadline(alive: &Alive) -> Result<(), TooLate> {
    tokio::spawn(sends(alive.one()));
    let _ = tokio::spawn(selects(alive.one())).await;
    Ok(())
}

#[tokio::test]
async fn c1_tasks_that_wait_for_ever_on_a_channel_end_with_the_deadline_of_their_scope() {
    let alive = Alive::default();
    assert!(with_a_deadline(&alive).await.is_err());
    assert_eq!(alive.count(), 0);
}

#[tokio::test]
async fn c1_tasks_that_wait_for_ever_on_a_channel_end_when_a_sibling_fails() {
    let alive = Alive::default();
    let of_tasks = alive.clone();
    let failed = Options::new().try_tokio(|s| async move {
        s.spawn(sends(of_tasks.one()));
        s.spawn(selects(of_tasks.one()));
        s.task().name("parser").spawn_fallible(async { Err::<(), _>("no number") });
    });
    let error = failed.await.expect_err("the parser failed");
    assert_eq!(error.to_string().split(" at ").next(), Some("child `parser` failed"));
    assert_eq!(alive.count(), 0);
    // The control: with `tokio::spawn` they outlive whoever gave them up.
    let tasks = [tokio::spawn(sends(alive.one())), tokio::spawn(selects(alive.one()))];
    let ids = tasks.each_ref().map(tokio::task::JoinHandle::abort_handle);
    drop(tasks);
    yield_now().await;
    assert_eq!(alive.count(), 2);
    for id in ids {
        id.abort();
    }
}

/// Ticks for ever, and sets a timer anew at each turn.
async fn ticks(count: Arc<AtomicUsize>) {
    let mut ticker = interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = ticker.tick() => count.fetch_add(1, Ordering::Relaxed),
            () = sleep(Duration::from_secs(3600)) => unreachable!("the ticker is faster"),
        };
    }
}

#[scoped_spawn]
async fn watches(count: Arc<AtomicUsize>) {
    tokio::spawn(ticks(Arc::clone(&count)));
    ticks(count).await;
}

#[tokio::test(start_paused = true)]
async fn c5_timers_and_tickers_end_with_their_scope() {
    const HOUR: Duration = Duration::from_secs(3600);
    let count = Arc::<AtomicUsize>::default();
    let ticked = || count.swap(0, Ordering::Relaxed);
    assert!(timeout(Duration::from_millis(9500), watches(Arc::clone(&count))).await.is_err());
    assert_eq!(ticked(), 20);
    drain().await;
    sleep(HOUR).await;
    assert_eq!(ticked(), 0);
    // The control: a ticker that is spawned and given up goes on.
    let leaked = tokio::spawn(ticks(Arc::clone(&count))).abort_handle();
    sleep(HOUR).await;
    assert!(ticked() >= 3600);
    leaked.abort();
}

/// A waker that counts its clones.
struct Counted;

impl Wake for Counted {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn c5_a_timeout_in_a_loop_leaves_no_timer() {
    const TURNS: usize = 10_000;
    let counted = Arc::new(Counted);
    let waker = Waker::from(Arc::clone(&counted));
    let mut cx = Context::from_waker(&waker);
    let request = CancelToken::new();
    let before = Arc::strong_count(&counted);
    let mut most = 0;
    for _ in 0..TURNS {
        let token = request.child_with_timeout(Duration::from_secs(3600));
        let mut step = Box::pin(token.run(yield_now()));
        assert!(step.as_mut().poll(&mut cx).is_pending());
        most = most.max(Arc::strong_count(&counted) - before);
        assert_eq!(step.as_mut().poll(&mut cx), Poll::Ready(Ok(())));
    }
    // One turn's timer and its place at the token have the waker, and nobody else afterwards.
    assert!((1..=4).contains(&most), "{most}");
    assert_eq!(Arc::strong_count(&counted), before);
}

/// How a handler ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Well,
    Error,
    Panic,
    Cut,
}

const ENDS: [End; 4] = [End::Well, End::Error, End::Panic, End::Cut];

/// Runs a handler a thousand times, as tasks, each of which ends in one of the four ways.
async fn thousand<F, Fut>(mut handler: F)
where
    F: FnMut(End) -> Fut,
    Fut: Future<Output = Result<(), &'static str>> + Send + 'static,
{
    for turn in 0..1000 {
        let end = ENDS[turn % ENDS.len()];
        let (cut, is_cut) = oneshot::channel::<()>();
        let request = handler(end);
        let task = tokio::spawn(async move {
            tokio::select! {
                // It gets as far as it can.
                biased;
                ended = request => ended,
                _ = is_cut => Err("cut"),
            }
        });
        yield_now().await;
        if matches!(end, End::Cut) {
            drop(cut);
            assert_eq!(task.await.ok(), Some(Err("cut")));
        } else {
            let ended = task.await;
            assert_eq!(ended.is_err(), matches!(end, End::Panic), "{end:?}");
            drop(cut);
        }
    }
}

async fn finish(end: End) -> Result<(), &'static str> {
    yield_now().await;
    match end {
        End::Well => Ok(()),
        End::Error => Err("refused"),
        End::Panic => std::panic::resume_unwind(Box::new(())),
        End::Cut => pending().await,
    }
}

#[scoped_spawn]
async fn handler_with_tasks(end: End) -> Result<(), &'static str> {
    for _ in 0..3 {
        // They end when they are told to, or where the handler is dropped.
        tokio::spawn(async { cancel_token().cancelled().await });
    }
    let ended = finish(end).await;
    cancel_token().cancel_with(CancelCause::SiblingFailed);
    ended
}

#[test]
fn c9_the_count_of_tasks_is_the_same_before_and_after_a_thousand_handlers() {
    Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
        let alive = || Handle::current().metrics().num_alive_tasks();
        let before = alive();
        thousand(handler_with_tasks).await;
        drain().await;
        assert_eq!(alive(), before);
        // The control: the same with tasks of tokio's.
        thousand(|end| async move {
            for _ in 0..3 {
                tokio::spawn(pending::<()>());
            }
            finish(end).await
        })
        .await;
        assert_eq!(alive(), before + 3000);
    });
}

/// A pool of connections.
struct Pool {
    places: Semaphore,
    connections: Mutex<Vec<Connection>>,
}

struct Connection {
    /// Rows of a query that nobody has read: the connection cannot be used.
    open_rows: bool,
}

impl Pool {
    fn new(size: usize) -> Arc<Self> {
        let connections = (0..size).map(|_| Connection { open_rows: false }).collect();
        Arc::new(Self { places: Semaphore::new(size), connections: Mutex::new(connections) })
    }

    fn take(&self) -> Option<Connection> {
        self.places.try_acquire().ok()?.forget();
        let connection = self.connections.lock().unwrap().pop().expect("there is a place");
        assert!(!connection.open_rows);
        Some(connection)
    }

    fn give_back(&self, connection: Connection) {
        self.connections.lock().unwrap().push(connection);
        self.places.add_permits(1);
    }

    fn free(&self) -> usize {
        self.places.available_permits()
    }
}

impl Connection {
    fn query(&mut self) {
        self.open_rows = true;
    }

    /// Takes a moment: the server is told.
    async fn close_rows(&mut self) {
        yield_now().await;
        self.open_rows = false;
    }
}

#[must_cleanup]
async fn guarded(pool: Arc<Pool>, end: End) -> Result<(), &'static str> {
    let home = Arc::clone(&pool);
    #[cleanup(async {
        connection.close_rows().await;
        home.give_back(connection);
    })]
    let mut connection = pool.take().ok_or("the pool is empty")?;
    connection.query();
    finish(end).await
}

/// Gives its connection back at its end, if it comes to that.
async fn unguarded(pool: Arc<Pool>, end: End) -> Result<(), &'static str> {
    let mut connection = pool.take().ok_or("the pool is empty")?;
    connection.query();
    finish(end).await?;
    connection.close_rows().await;
    pool.give_back(connection);
    Ok(())
}

#[test]
fn c11_a_pool_is_full_again_after_errors_panics_and_cancellations() {
    const SIZE: usize = 4;
    Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
        let pool = Pool::new(SIZE);
        thousand(|end| {
            // What was cut off is given back by the cleanup runtime.
            drained();
            assert_eq!(pool.free(), SIZE);
            guarded(Arc::clone(&pool), end)
        })
        .await;
        drain().await;
        assert_eq!(pool.free(), SIZE);
        // The control: three of the four ways out lose their connection.
        let pool = Pool::new(750);
        thousand(|end| unguarded(Arc::clone(&pool), end)).await;
        assert_eq!(pool.free(), 0);
    });
}
