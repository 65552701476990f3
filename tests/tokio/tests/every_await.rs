//! Functions with `async` cleanups and scopes, dropped at each place where they can wait, and ended by a
//! panic there: whatever was opened by then is closed, exactly once.

use std::future::{Future, poll_fn};
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use backstop::{Guard, defer, drain, must_cleanup, scoped_spawn};
use backstop_tests_tokio::SharedLog;
use tokio::task::{self, yield_now};

/// Counts the pauses, and panics at one of them.
#[derive(Clone)]
struct Gate {
    log: SharedLog,
    passed: Arc<AtomicUsize>,
    panics_at: usize,
}

impl Gate {
    fn new(panics_at: usize) -> Self {
        Self { log: SharedLog::new(), passed: Arc::default(), panics_at }
    }

    async fn pause(&self) {
        let number = self.passed.fetch_add(1, Ordering::Relaxed);
        yield_now().await;
        assert_ne!(number, self.panics_at, "at the gate");
    }

    async fn open(&self, name: &'static str) -> Opened {
        self.pause().await;
        self.log.note(format!("+{name}"));
        Opened { name, gate: self.clone(), is_closed: false }
    }
}

/// Something that is to be closed.
struct Opened {
    name: &'static str,
    gate: Gate,
    is_closed: bool,
}

impl Opened {
    async fn close(mut self) {
        for _ in 0..2 {
            yield_now().await;
        }
        self.is_closed = true;
        self.gate.log.note(format!("-{}", self.name));
    }

    fn close_now(mut self) {
        self.is_closed = true;
        self.gate.log.note(format!("-{}", self.name));
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if !self.is_closed {
            self.gate.log.note(format!("lost:{}", self.name));
        }
    }
}

type Run = fn(Gate) -> Pin<Box<dyn Future<Output = ()>>>;

macro_rules! every {
    ($($(#[$attribute:meta])* async fn $name:ident($gate:ident: Gate) $(-> $result:ty)? $body:block)*) => {
        $($(#[$attribute])* async fn $name($gate: Gate) $(-> $result)? $body)*

        const EVERY: &[(&str, Run)] = &[
            $((stringify!($name), |gate| Box::pin(async { let _ = $name(gate).await; }))),*
        ];
    };
}

type Fallible = Result<u32, &'static str>;

every! {
    #[must_cleanup]
    async fn one(gate: Gate) {
        #[cleanup(async { a.close().await })]
        let a = gate.open("a").await;
        gate.pause().await;
    }

    #[must_cleanup]
    async fn two_and_a_value(gate: Gate) -> usize {
        #[cleanup(async { a.close().await })]
        let a = gate.open("a").await;
        #[cleanup(async { b.close().await })]
        let b = gate.open("b").await;
        gate.pause().await;
        a.name.len() + b.name.len()
    }

    #[must_cleanup]
    async fn sync_between(gate: Gate) {
        #[cleanup(async { a.close().await })]
        let a = gate.open("a").await;
        #[cleanup(b.close_now())]
        let b = gate.open("b").await;
        #[cleanup(async { c.close().await })]
        let c = gate.open("c").await;
        gate.pause().await;
    }

    #[must_cleanup]
    async fn question(gate: Gate) -> Fallible {
        #[cleanup(async { a.close().await })]
        let a = gate.open("a").await;
        let number = "x".parse::<u32>().map_err(|_| "no number")?;
        gate.pause().await;
        Ok(number)
    }

    #[must_cleanup]
    async fn early_return(gate: Gate) -> Fallible {
        #[cleanup(async { a.close().await })]
        let a = gate.open("a").await;
        if a.name == "a" {
            gate.pause().await;
            return Err("returned");
        }
        Ok(1)
    }

    #[must_cleanup]
    async fn on_each_outcome(gate: Gate) -> Fallible {
        let opened = gate.open("a").await;
        let slot = Arc::new(Mutex::new(Some(opened)));
        let [one, other] = [Arc::clone(&slot), slot];
        #[cleanup(async { if let Some(it) = take(&one) { it.close().await } }, on = [cancel, unwind])]
        gate.pause().await;
        #[cleanup(async { if let Some(it) = take(&other) { it.close().await } }, on = [error, success])]
        gate.log.note("body");
        gate.log.note("end");
        Err("in the tail")
    }

    #[must_cleanup]
    async fn control_flow(gate: Gate) -> ControlFlow<u32> {
        #[cleanup(async { a.close().await })]
        let a = gate.open("a").await;
        gate.pause().await;
        ControlFlow::Break(3)?;
        ControlFlow::Continue(())
    }

    #[must_cleanup]
    async fn in_a_loop(gate: Gate) {
        for name in ["a", "b", "c"] {
            #[cleanup(async { each.close().await })]
            let each = gate.open(name).await;
            gate.pause().await;
        }
    }

    #[must_cleanup]
    async fn break_and_continue(gate: Gate) -> u32 {
        #[cleanup(async { a.close().await })]
        let a = gate.open("a").await;
        let mut turns = 0;
        loop {
            turns += 1;
            #[cleanup(async { b.close().await })]
            let b = gate.open("b").await;
            if turns == 1 {
                continue;
            }
            gate.pause().await;
            break turns;
        }
    }

    #[must_cleanup]
    async fn a_break_through_two_blocks(gate: Gate) -> u32 {
        'outer: {
            #[cleanup(async { a.close().await })]
            let a = gate.open("a").await;
            for turn in 1.. {
                #[cleanup(async { b.close().await })]
                let b = gate.open("b").await;
                gate.pause().await;
                if turn == 2 {
                    break 'outer turn;
                }
            }
            0
        }
    }

    #[must_cleanup]
    async fn in_an_arm(gate: Gate) -> usize {
        let opened = gate.open("a").await;
        match opened.name {
            "b" => 0,
            _ => {
                #[cleanup(async { a.close().await })]
                let a = opened;
                gate.pause().await;
                a.name.len()
            }
        }
    }

    #[must_cleanup]
    async fn run_early(gate: Gate) {
        #[cleanup(async { a.close().await })]
        let a = gate.open("a").await;
        #[cleanup(async { b.close().await })]
        let b = gate.open("b").await;
        Guard::run(a).await;
        gate.pause().await;
        drop(b);
        gate.pause().await;
    }

    #[must_cleanup]
    async fn dismissed(gate: Gate) {
        #[cleanup(async { a.close().await })]
        let a = gate.open("a").await;
        gate.pause().await;
        Guard::dismiss(a).close_now();
        gate.pause().await;
    }

    #[must_cleanup]
    async fn deferred(gate: Gate) {
        let a = gate.open("a").await;
        defer!(async { a.close().await });
        gate.pause().await;
    }

    #[must_cleanup]
    async fn one_in_another(gate: Gate) {
        #[cleanup(async { a.close().await })]
        let a = gate.open("a").await;
        two_and_a_value(gate.clone()).await;
        sync_between(gate.clone()).await;
    }

    #[must_cleanup]
    async fn under_a_timeout(gate: Gate) {
        #[cleanup(async { a.close().await }, timeout = "10m", name = "a")]
        let a = gate.open("a").await;
        gate.pause().await;
    }

    #[scoped_spawn]
    async fn a_scope_of_two(gate: Gate) {
        tokio::spawn(one(gate.clone()));
        tokio::spawn(two_and_a_value(gate.clone()));
        gate.pause().await;
    }

    #[scoped_spawn]
    async fn tasks_of_tasks(gate: Gate) {
        tokio::spawn(async {
            let inner = gate.clone();
            tokio::spawn(async move {
                tokio::spawn(one(inner));
            });
            sync_between(gate).await;
        });
    }

    #[scoped_spawn(limit = 1)]
    async fn one_at_a_time(gate: Gate) {
        for _ in 0..3 {
            tokio::spawn(one(gate.clone()));
        }
    }

    #[scoped_spawn]
    async fn an_awaited_task(gate: Gate) -> bool {
        let task = tokio::spawn(in_a_loop(gate.clone()));
        gate.pause().await;
        task.await.is_ok()
    }

    #[scoped_spawn(deadline = "10m")]
    async fn under_a_deadline(gate: Gate) -> Result<(), backstop::scope::DeadlineExceeded> {
        tokio::spawn(one(gate.clone()));
        gate.pause().await;
        Ok(())
    }

    #[scoped_spawn]
    #[must_cleanup]
    async fn a_scope_and_a_cleanup(gate: Gate) {
        #[cleanup(async { a.close().await })]
        let a = gate.open("a").await;
        tokio::spawn(one(gate.clone()));
        gate.pause().await;
    }

    async fn a_scope_in_a_select(gate: Gate) {
        tokio::select! {
            biased;
            () = a_scope_of_two(gate.clone()) => {}
            () = async { for _ in 0..6 { gate.pause().await } } => {}
        }
    }

    async fn a_scope_in_a_scope(gate: Gate) {
        backstop::scope::tokio(|s| async move {
            s.spawn(a_scope_of_two(gate.clone()));
            s.spawn(tasks_of_tasks(gate));
        })
        .await;
    }

    #[scoped_spawn(local)]
    async fn local_children(gate: Gate) {
        tokio::spawn(one(gate.clone()));
        tokio::spawn(async {
            let inner = gate.clone();
            tokio::spawn(async move { two_and_a_value(inner).await });
            gate.pause().await;
        });
        gate.pause().await;
    }

    #[scoped_spawn(local, limit = 1)]
    async fn local_children_one_at_a_time(gate: Gate) {
        for _ in 0..3 {
            task::spawn_local(sync_between(gate.clone()));
        }
    }

    #[scoped_spawn(local)]
    async fn a_local_child_with_tasks(gate: Gate) -> bool {
        let child = tokio::spawn(a_scope_of_two(gate.clone()));
        gate.pause().await;
        child.await.is_ok()
    }
}

fn take(slot: &Mutex<Option<Opened>>) -> Option<Opened> {
    slot.lock().unwrap().take()
}

/// Polls a future so often, and drops it; tells whether it ended.
async fn ends_within(polls: usize, future: impl Future<Output = ()>) -> bool {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        cx.waker().wake_by_ref();
        future.as_mut().poll(cx).map(|()| true)
    })
    .await
}

#[track_caller]
fn accounted(what: &str, log: &str) {
    let count = |entry: &str| log.split(' ').filter(|it| *it == entry).count();
    for name in ["a", "b", "c"] {
        assert_eq!(count(&format!("+{name}")), count(&format!("-{name}")), "{what}: {log}");
    }
    assert!(!log.contains("lost"), "{what}: {log}");
}

/// One test at a time: `drain` waits for what the other one owes, too.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

#[test]
fn what_is_open_where_the_future_is_dropped_is_closed_exactly_once() {
    let _alone = alone();
    for (name, run) in EVERY {
        let mut polls = 0;
        let ended = |polls| {
            let gate = Gate::new(usize::MAX);
            let log = gate.log.clone();
            let ended = runtime().block_on(async {
                let ended = ends_within(polls, run(gate)).await;
                drain().await;
                ended
            });
            accounted(&format!("{name}, dropped after {polls} polls"), &log.take());
            ended
        };
        while !ended(polls) {
            polls += 1;
            assert!(polls < 1000, "{name} ends");
        }
        assert!(polls > 3, "{name} waits at more than one place");
    }
}

#[test]
fn what_is_open_where_something_panics_is_closed_exactly_once() {
    let _alone = alone();
    for (name, run) in EVERY {
        let mut pauses = 0;
        let panicked = |number| {
            let gate = Gate::new(number);
            let (log, passed) = (gate.log.clone(), Arc::clone(&gate.passed));
            runtime().block_on(async {
                // A panic is the function's, or that of a task whose handle somebody awaited.
                let mut run = run(gate);
                poll_fn(|cx| {
                    let poll = std::panic::AssertUnwindSafe(|| run.as_mut().poll(cx));
                    std::panic::catch_unwind(poll).unwrap_or(Poll::Ready(()))
                })
                .await;
                drop(run);
                drain().await;
            });
            accounted(&format!("{name}, with a panic at pause {number}"), &log.take());
            passed.load(Ordering::Relaxed) > number
        };
        while panicked(pauses) {
            pauses += 1;
            assert!(pauses < 1000, "{name} ends");
        }
        assert!(pauses > 0, "{name} pauses");
    }
}
