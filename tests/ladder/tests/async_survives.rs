//! `survives = exit` in an `async fn`.

use std::future::{Future, ready};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use backstop::{defer, must_cleanup};

type Log = Arc<Mutex<Vec<&'static str>>>;

fn noting(log: &Log, entry: &'static str) -> impl FnOnce() + Send + 'static + use<> {
    let log = Arc::clone(log);
    move || log.lock().unwrap().push(entry)
}

/// Pending once.
#[derive(Default)]
struct Pause(bool);

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
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
