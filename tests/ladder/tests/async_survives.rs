//! `survives = exit` in an `async fn`.

use std::fs;
use std::future::{Future, ready};
use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use backstop::{Action, defer, must_cleanup};
use backstop_tests_ladder::pause::Pause;

type Log = Arc<Mutex<Vec<&'static str>>>;

fn noting(log: &Log, entry: &'static str) -> impl FnOnce() + Send + 'static + use<> {
    let log = Arc::clone(log);
    move || log.lock().unwrap().push(entry)
}

#[must_cleanup]
async fn leave(log: &Log, ok: bool) -> Result<usize, &'static str> {
    #[cleanup(noting(log, "always"), survives = exit)]
    let name = ready(String::from("name")).await;
    #[cleanup(noting(log, "failure"), on = failure, survives = exit)]
    Pause::default().await;
    defer!(on = cancel, survives = exit, noting(log, "cancel"));
    Pause::default().await;
    if ok { Ok(name.len()) } else { Err("refused") }
}

fn run<F: Future + Send>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    })
}

#[test]
fn a_registered_cleanup_runs_once_at_the_end_on_an_error_and_when_the_future_is_dropped() {
    let log = Log::default();
    let take = || std::mem::take(&mut *log.lock().unwrap()).join(" ");
    assert_eq!(run(3, leave(&log, true)), Some(Ok(4)));
    assert_eq!(take(), "always");
    assert_eq!(run(3, leave(&log, false)), Some(Err("refused")));
    assert_eq!(take(), "failure always");
    assert_eq!(run(1, leave(&log, true)), None);
    assert_eq!(take(), "failure always");
    assert_eq!(run(2, leave(&log, true)), None);
    assert_eq!(take(), "cancel failure always");
}

#[must_cleanup]
async fn nested(log: &Log) -> usize {
    #[cleanup(noting(log, "outer"), survives = exit)]
    {
        Pause::default().await;
        #[cleanup(noting(log, "inner"), survives = exit)]
        Pause::default().await;
        Pause::default().await;
    };
    #[cleanup(noting(log, "tail"), survives = exit)]
    ready(String::from("four")).await.len()
}

#[test]
fn a_statement_within_another_is_cleaned_up_first_wherever_the_future_is_dropped() {
    let log = Log::default();
    for (polls, ran) in ["", "outer", "inner outer", "inner outer"].into_iter().enumerate() {
        assert_eq!(run(polls, nested(&log)), None);
        assert_eq!(std::mem::take(&mut *log.lock().unwrap()).join(" "), ran, "{polls} polls");
    }
    assert_eq!(run(4, nested(&log)), Some(4));
    assert_eq!(std::mem::take(&mut *log.lock().unwrap()).join(" "), "inner tail outer");
}

async fn make(path: &Path) -> io::Result<()> {
    Pause::default().await;
    fs::write(path, "x")
}

#[must_cleanup]
async fn makes_in_a_statement(path: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_file(path), survives = exit)]
    make(path).await?;
    Ok(())
}

#[must_cleanup]
async fn makes_in_the_tail(path: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_file(path), survives = exit, name = "in the tail")]
    make(path).await
}

#[test]
fn what_an_action_of_a_statement_made_is_removed_and_that_of_a_tail_is_left_alone_and_reported() {
    static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    backstop::set_observer(|event| {
        EVENTS.lock().unwrap().push(format!("{}: {}", event.name, event.message));
    });
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("file");
    assert!(run(2, makes_in_a_statement(&path)).unwrap().is_ok());
    assert!(!path.exists());
    assert!(EVENTS.lock().unwrap().is_empty());
    assert!(run(2, makes_in_the_tail(&path)).unwrap().is_ok());
    assert!(path.exists());
    let events = EVENTS.lock().unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].starts_with("in the tail: left alone"), "{events:?}");
}
