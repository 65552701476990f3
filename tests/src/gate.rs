//! Futures that are stopped at each of their pauses, one run after the other.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use crate::{caught, with_events};

/// Lets a future pass its pauses, up to one at which it waits for ever or panics.
pub struct Gate {
    passed: AtomicUsize,
    stop: usize,
    panics: bool,
}

impl Gate {
    /// Opens up to pause number `stop`, from 0, at which it panics or waits for ever.
    #[must_use]
    pub fn new(stop: usize, panics: bool) -> Self {
        Self { passed: AtomicUsize::new(0), stop, panics }
    }

    /// Waits for one poll, or for ever.
    pub fn pause(&self) -> Pause<'_> {
        Pause { gate: self, polled: false }
    }

    /// Waits, and gives this.
    pub async fn give<T>(&self, value: T) -> T {
        self.pause().await;
        value
    }
}

/// Pending, once or for ever.
pub struct Pause<'a> {
    gate: &'a Gate,
    polled: bool,
}

impl Future for Pause<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.polled {
            return Poll::Ready(());
        }
        let number = self.gate.passed.fetch_add(1, Ordering::Relaxed);
        if number == self.gate.stop {
            assert!(!self.gate.panics, "at the gate");
        } else {
            self.polled = true;
        }
        Poll::Pending
    }
}

/// How a run went: `name:outcome` of each cleanup, in their order.
fn run<F: Future>(gate: &Gate, start: impl FnOnce() -> F) -> (bool, String) {
    let (ended, events) = with_events(|| {
        let ended = caught(|| {
            let mut future = pin!(start());
            let mut context = Context::from_waker(Waker::noop());
            loop {
                let stopped = gate.passed.load(Ordering::Relaxed) > gate.stop;
                match future.as_mut().poll(&mut context) {
                    Poll::Ready(_) => return true,
                    Poll::Pending if stopped || at_stop(gate) => return false,
                    Poll::Pending => {}
                }
            }
        });
        ended.unwrap_or_else(|message| {
            assert_eq!(message, "at the gate");
            false
        })
    });
    let runs: Vec<String> =
        events.iter().map(|event| format!("{}:{}", event.name, event.outcome)).collect();
    (ended, runs.join(" "))
}

fn at_stop(gate: &Gate) -> bool {
    gate.passed.load(Ordering::Relaxed) == gate.stop.saturating_add(1)
}

/// Runs a function of this name to its end, where the outcomes must be as `expected`; and once more for each
/// of its pauses, ended there in two ways: dropped, and by a panic. Both leave by the same guards, so what ran
/// must be the same but for the word.
///
/// # Panics
///
/// If it is otherwise.
pub fn check<F: Future>(name: &str, expected: &str, start: impl Fn(&'static Gate) -> F) {
    let gate = |stop, panics| -> &'static Gate { Box::leak(Box::new(Gate::new(stop, panics))) };
    let whole = gate(usize::MAX, false);
    let (ended, runs) = run(whole, || start(whole));
    assert!(ended, "{name} did not end");
    assert_eq!(runs, expected, "{name}");
    let pauses = whole.passed.load(Ordering::Relaxed);
    assert!(pauses > 0, "{name} never waits");
    for stop in 0..pauses {
        let (dropped, panicked) = (gate(stop, false), gate(stop, true));
        let (ended, cancelled) = run(dropped, || start(dropped));
        assert!(!ended, "{name} ended before pause {stop}");
        let (_, unwound) = run(panicked, || start(panicked));
        let changed = unwound.replace(":unwind", ":cancel");
        assert_eq!(cancelled, changed, "{name} at pause {stop}");
        let live = |runs: &str, word: &str| runs.matches(word).count();
        assert_eq!(live(&cancelled, ":cancel"), live(&unwound, ":unwind"), "{name} at {stop}");
    }
    // Dropped before the first poll, nothing was declared.
    let unpolled = gate(usize::MAX, false);
    let ((), events) = with_events(|| drop(start(unpolled)));
    assert!(events.is_empty(), "{name}");
}
