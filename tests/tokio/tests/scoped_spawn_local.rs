//! `#[scoped_spawn(local)]`: children that borrow the parameters and run on the function's own task.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;

use backstop::scope::{ChildError, DeadlineExceeded, OnFailure, Options};
use backstop::{CancelCause, cancel_token, must_cleanup, scoped_spawn};
use backstop_tests::caught;
use backstop_tests_tokio::{SharedLog, events, polled};
use tokio::task::{self, yield_now};

fn single() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

fn is_send<F: Future + Send>(future: F) -> F {
    future
}

#[test]
fn children_borrow_the_parameters_and_the_future_stays_send() {
    #[scoped_spawn(local)]
    async fn lengths(texts: &[String], first: &mut String, log: SharedLog) -> usize {
        tokio::spawn(async {
            yield_now().await;
            first.push('!');
            log.note("changed");
        });
        let handles: Vec<task::JoinHandle<usize>> = texts
            .iter()
            .map(|text| {
                tokio::spawn(async {
                    yield_now().await;
                    // One that spawns borrows as well.
                    let inner = tokio::spawn(async { text.len() });
                    inner.await.unwrap()
                })
            })
            .collect();
        let mut sum = 0;
        for handle in handles {
            sum += handle.await.unwrap();
        }
        sum
    }
    let (texts, mut first, log) =
        ([String::from("a"), String::from("bc")], String::new(), SharedLog::new());
    assert_eq!(single().block_on(is_send(lengths(&texts, &mut first, log.clone()))), 3);
    assert_eq!((first.as_str(), log.take().as_str()), ("!", "changed"));
}

#[test]
fn children_need_not_be_send_where_they_are_spawned_so() {
    #[scoped_spawn(local)]
    async fn count(cell: &Cell<u32>, shared: Rc<u32>) {
        for _ in 0..3 {
            task::spawn_local(async {
                yield_now().await;
                cell.set(cell.get() + *shared);
            });
        }
    }
    let cell = Cell::new(0);
    single().block_on(count(&cell, Rc::new(2)));
    assert_eq!(cell.get(), 6);
}

#[test]
fn the_function_returns_after_all_children_have_ended_whatever_way_the_body_takes() {
    #[scoped_spawn(local)]
    async fn parse(text: &str, log: &SharedLog) -> Result<u32, Box<dyn std::error::Error>> {
        tokio::spawn(async {
            yield_now().await;
            yield_now().await;
            log.note("child");
        });
        if text.is_empty() {
            return Ok(0);
        }
        Ok(text.parse()?)
    }
    let log = SharedLog::new();
    for (text, expected) in [("", Some(0)), ("x", None), ("3", Some(3))] {
        assert_eq!(single().block_on(parse(text, &log)).ok(), expected);
        assert_eq!(log.take(), "child");
    }
}

#[test]
fn a_panic_ends_the_siblings_whose_cleanups_run_and_goes_on() {
    #[must_cleanup]
    async fn waits(log: &SharedLog) {
        #[cleanup(log.note("cancelled"), on = cancel)]
        log.note("waits");
        pending::<()>().await;
    }
    #[scoped_spawn(local)]
    async fn fails(log: &SharedLog, in_body: bool) -> CancelCause {
        tokio::spawn(waits(log));
        if in_body {
            yield_now().await;
            panic!("in the body");
        }
        tokio::spawn(async {
            yield_now().await;
            panic!("in a child")
        });
        cancel_token().cancelled().await
    }
    for (in_body, message) in [(true, "in the body"), (false, "in a child")] {
        let log = SharedLog::new();
        assert_eq!(caught(|| single().block_on(fails(&log, in_body))).unwrap_err(), message);
        assert_eq!(log.take(), "waits cancelled");
    }
}

#[test]
fn children_have_the_name_of_their_scope_in_events() {
    let name = "named local child";
    events(|_| false);
    let scope = Options::new().name(name).on_failure(OnFailure::Wait).local();
    let panics = scope.run(async {
        for _ in 0..2 {
            drop(scope.spawn(async { std::panic::resume_unwind(Box::new("of a child")) }));
        }
    });
    // The first goes on, the other is an event.
    let panic = caught(|| single().block_on(panics)).unwrap_err();
    assert_eq!(panic, "of a child");
    assert_eq!(events(|event| event.name == name).len(), 1);
}

#[test]
fn who_awaits_a_handle_takes_the_panic_and_who_drops_it_does_not() {
    let scope = Options::new().name("child").local();
    let errors: (ChildError, ChildError) = single().block_on(scope.run(async {
        let panicked = scope.spawn(async { panic!("taken") });
        let panicked = panicked.await.unwrap_err();
        // The panic has cancelled the token: no child is taken any more.
        (panicked, scope.spawn(async {}).await.unwrap_err())
    }));
    assert!(errors.0.is_panic() && errors.1.is_cancelled());
    assert_eq!(errors.0.to_string(), "the child panicked: taken");
    assert_eq!(errors.0.into_payload().unwrap().downcast_ref::<&str>(), Some(&"taken"));
    let scope = Options::new().local();
    let dropped = scope.run(async {
        let handle = scope.spawn(async { panic!("left") });
        yield_now().await;
        assert!(handle.is_finished());
    });
    assert_eq!(caught(|| single().block_on(dropped)).unwrap_err(), "left");
}

#[test]
fn dropped_in_the_middle_it_drops_its_children_each_though_one_panics() {
    struct Noted<'a>(&'a RefCell<Vec<u32>>, u32);
    impl Drop for Noted<'_> {
        fn drop(&mut self) {
            self.0.borrow_mut().push(self.1);
            assert_ne!(self.1, 2, "dropped badly");
        }
    }
    let reported = || events(|event| event.message.contains("dropped badly")).len();
    assert_eq!(reported(), 0);
    let dropped = RefCell::default();
    let scope = Options::new().local_any();
    let run = scope.run(async {
        for number in 1..=3 {
            let noted = Noted(&dropped, number);
            scope.spawn(async move {
                let _noted = noted;
                pending::<()>().await;
            });
        }
        pending::<()>().await;
    });
    assert!(polled(2, run).is_none());
    assert_eq!(*dropped.borrow(), [1, 2, 3]);
    assert_eq!(reported(), 1);
    drop(scope);
}

#[test]
fn a_deadline_stops_body_and_children() {
    #[scoped_spawn(local, deadline = "20ms")]
    async fn late(log: &SharedLog) -> Result<(), DeadlineExceeded> {
        let child = tokio::spawn(async {
            struct Told<'a>(&'a SharedLog);
            impl Drop for Told<'_> {
                fn drop(&mut self) {
                    self.0.note("dropped");
                }
            }
            let _told = Told(log);
            pending::<()>().await;
        });
        let _ = child.await;
        pending().await
    }
    let log = SharedLog::new();
    let late: Result<(), DeadlineExceeded> = single().block_on(late(&log));
    assert_eq!(late.unwrap_err().to_string(), "the deadline has passed");
    assert_eq!(log.take(), "dropped");
}

#[test]
fn no_more_children_than_the_limit_run_at_once_and_ten_thousand_end() {
    #[scoped_spawn(local, limit = 3)]
    async fn crowd(running: &Cell<u32>, most: &Cell<u32>, ended: &Cell<u32>) {
        for _ in 0..10_000 {
            task::spawn_local(async {
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                yield_now().await;
                running.set(running.get() - 1);
                ended.set(ended.get() + 1);
            });
        }
    }
    let [running, most, ended] = [(); 3].map(|()| Cell::new(0));
    single().block_on(crowd(&running, &most, &ended));
    assert_eq!((running.get(), most.get(), ended.get()), (0, 3, 10_000));
}

#[test]
fn a_child_is_polled_only_when_it_was_woken() {
    let (sender, mut receiver) = tokio::sync::oneshot::channel::<()>();
    let polls = Cell::new(0);
    let counts = &polls;
    let scope = Options::new().local_any();
    single().block_on(scope.run(async {
        scope.spawn(std::future::poll_fn(move |cx| {
            counts.set(counts.get() + 1);
            Pin::new(&mut receiver).poll(cx).map(drop)
        }));
        for _ in 0..10 {
            yield_now().await;
        }
        sender.send(()).unwrap();
    }));
    assert_eq!(polls.get(), 2);
}

#[test]
fn another_thread_may_wake_it_by_a_spawn() {
    let scope = Options::new().local();
    let (say, said) = tokio::sync::oneshot::channel::<u32>();
    let value = single().block_on(scope.run(async {
        let elsewhere = scope.clone();
        let thread = std::thread::spawn(move || {
            elsewhere.spawn(async { say.send(7).unwrap() });
        });
        let value = said.await.unwrap();
        thread.join().unwrap();
        value
    }));
    assert_eq!(value, 7);
    // It has ended, and takes none any more.
    let late = single().block_on(scope.spawn(async {}));
    assert!(late.unwrap_err().is_cancelled());
}

#[test]
fn who_tries_to_spawn_into_a_scope_that_is_closed_is_told_and_the_child_is_dropped() {
    struct Alive<'a>(&'a Cell<bool>);
    impl Drop for Alive<'_> {
        fn drop(&mut self) {
            self.0.set(false);
        }
    }
    let alive = Cell::new(true);
    let any = Options::new().local_any();
    let value = single().block_on(any.run(async { any.try_spawn(async { 7 }).unwrap().await }));
    assert_eq!(value.unwrap(), 7);
    let guard = Alive(&alive);
    assert!(any.try_spawn(async move { drop(guard) }).is_err());
    assert!(!alive.get());

    let send = Options::new().local();
    let value = single().block_on(send.run(async { send.try_spawn(async { 7 }).unwrap().await }));
    assert_eq!(value.unwrap(), 7);
    assert!(send.try_spawn(async {}).is_err());
}
