//! The thread that takes a program through the phases of its end.
//!
//! It runs none of the user's code and takes no lock that is held over any, so that nothing can keep
//! it: exit cleanups run on a thread of their own, and so do the wakers of tasks that wait for the token;
//! words to stderr go there only as far as stderr takes them.

use std::io;
use std::panic::catch_unwind;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use super::last_words;
use super::main::Program;
#[cfg(feature = "tokio")]
use super::main::is_main_over;
use super::signals::{Held, Signals, Wake};
use super::status;
#[cfg(feature = "tokio")]
use super::tasks;
use crate::CancelCause;
use crate::event;
use crate::ladder::exit;
use crate::ladder::mask::with_signals_blocked;

/// For all exit cleanups together, once the end is forced, and for what an `async` main owes before them.
const CLEANUPS: Duration = Duration::from_secs(5);

/// For the tasks of an `async` main to end once they are aborted.
pub(super) const ABORTED: Duration = Duration::from_secs(2);

/// What the exit cleanups have before a third signal cuts them off: a key that is held down, or a
/// supervisor that sends signals in a burst, asks once. And what wakers have.
const AT_LEAST: Duration = Duration::from_millis(100);

/// For the report of what did not end.
const WORDS: Duration = Duration::from_millis(500);

type Job = (&'static Program, Signals);

/// The thread, before there is anything to supervise: what can fail comes before the signals are
/// taken.
pub(super) struct Starting(SyncSender<Job>);

impl Starting {
    /// While the signals are `held`, of which this thread has all others blocked, too.
    pub(super) fn new(held: &Held) -> io::Result<Self> {
        let (send, job) = mpsc::sync_channel::<Job>(1);
        let mask = held.mask;
        let thread = thread::Builder::new().name("backstop-main".to_owned());
        let supervise = move || {
            if let Ok((program, signals)) = job.recv() {
                // What came while nobody was ready for it comes now.
                Held::let_in(mask);
                Supervisor { program, signals, signal: None }.run();
            }
        };
        with_signals_blocked(|| thread.spawn(supervise))?;
        exit::signals_are_taken();
        Ok(Self(send))
    }

    pub(super) fn go(self, program: &'static Program, signals: Signals) {
        // The thread waits for this and for nothing else.
        let _ = self.0.send((program, signals));
    }
}

struct Supervisor {
    program: &'static Program,
    signals: Signals,
    /// The last one that came.
    signal: Option<i32>,
}

impl Supervisor {
    fn run(mut self) -> ! {
        let begun = self.until_asked_to_end();
        self.cancel(false);
        self.for_the_grace_period(begun);
        self.program.force();
        self.cancel(true);
        let forced = Instant::now();
        let is_hurried = self.for_the_tasks(forced);
        // What the tasks of `main` have left of the time for all.
        let left = (ABORTED + CLEANUPS).saturating_sub(forced.elapsed());
        let limit = left.clamp(CLEANUPS / 2, CLEANUPS);
        let left = self.run_exit_cleanups(limit, is_hurried);
        self.say_last_words(begun, left);
        match (self.signal, status::requested()) {
            (Some(signal), _) => status::end_by(signal),
            // Without a signal, it was a call of `exit` that began this.
            (None, requested) => status::end(requested.unwrap_or(status::PANICKED)),
        }
    }

    /// Cancels the root token. Who waits for it is woken by code of an executor, which may block: then this
    /// goes on without it.
    fn cancel(&self, immediate: bool) {
        let (send, cancelled) = mpsc::sync_channel(1);
        let program = self.program;
        let cancel = move || {
            program.root.cancel_with(CancelCause::Shutdown { immediate });
            let _ = send.send(());
        };
        let builder = thread::Builder::new().name("backstop-cancel".to_owned());
        if builder.spawn(cancel.clone()).is_ok() {
            let _ = cancelled.recv_timeout(AT_LEAST);
        } else {
            // Here, then.
            cancel();
        }
    }

    fn wait(&mut self, until: Option<Instant>) -> Wake {
        let wake = self.signals.wait(until);
        if let Wake::Signal(signal) = wake {
            self.signal = Some(signal);
        }
        wake
    }

    /// Blocks until the first signal, or [`exit`](fn@super::exit).
    fn until_asked_to_end(&mut self) -> Instant {
        loop {
            let wake = self.wait(None);
            if matches!(wake, Wake::Signal(_)) || status::requested().is_some() {
                return Instant::now();
            }
        }
    }

    /// Blocks until the grace period is over, or a second signal.
    fn for_the_grace_period(&mut self, begun: Instant) {
        // An end that cannot be expressed never comes.
        let end = begun.checked_add(self.program.grace);
        while self.wait(end) == Wake::Other {}
    }

    /// Blocks until the tasks of an `async` main have been aborted, as far as they can be: what they owe
    /// is known then. Tells whether a third signal came meanwhile.
    #[cfg(feature = "tokio")]
    fn for_the_tasks(&mut self, begun: Instant) -> bool {
        let mut end = begun + ABORTED + AT_LEAST;
        // Where `main` is stuck, nothing that it owes is waited for.
        let mut owed = Some(tasks::OWED_WHEN_FORCED);
        let mut is_hurried = false;
        while tasks::are_running() {
            match self.wait(Some(end)) {
                Wake::Signal(_) => {
                    is_hurried = true;
                    end = end.min(begun + AT_LEAST);
                }
                Wake::Timeout => match owed.take_if(|_| !is_hurried && is_main_over()) {
                    Some(owed) => end += owed,
                    None => break,
                },
                Wake::Other => {}
            }
        }
        is_hurried
    }

    #[cfg(not(feature = "tokio"))]
    #[allow(clippy::unused_self, reason = "there are no tasks")]
    fn for_the_tasks(&mut self, _: Instant) -> bool {
        false
    }

    /// Gives the exit cleanups that did not end; `None` if a third signal, the deadline or a panic
    /// came before it was known.
    fn run_exit_cleanups(&mut self, limit: Duration, is_hurried: bool) -> Option<Vec<String>> {
        let begun = Instant::now();
        let (send, report) = mpsc::sync_channel(1);
        let program = self.program;
        let run = move || {
            let left = catch_unwind(|| (program.run_exit_cleanups)(limit));
            let _ = send.send(left.map_err(event::discard).ok());
            program.waker.wake();
        };
        let thread = thread::Builder::new().name("backstop-exit".to_owned()).spawn(run);
        if thread.is_err() {
            // Here, then, where nothing but its own deadline ends it.
            return Some((program.run_exit_cleanups)(limit));
        }
        let limit = if is_hurried { AT_LEAST } else { limit + AT_LEAST };
        self.until_reported(begun, limit, &report)
    }

    /// Says what is left, on a thread of its own: stderr may be a pipe that nobody reads.
    fn say_last_words(&self, begun: Instant, cleanups: Option<Vec<String>>) {
        let (send, said) = mpsc::sync_channel(1);
        let (program, signal) = (self.program, self.signal);
        let say = move || {
            last_words::say(program, signal, begun, cleanups);
            let _ = send.send(());
        };
        if thread::Builder::new().name("backstop-words".to_owned()).spawn(say).is_ok() {
            let _ = said.recv_timeout(WORDS);
        }
    }

    fn until_reported(
        &mut self,
        begun: Instant,
        limit: Duration,
        report: &Receiver<Option<Vec<String>>>,
    ) -> Option<Vec<String>> {
        let mut end = begun + limit;
        loop {
            let wake = self.wait(Some(end));
            if let Ok(left) = report.try_recv() {
                return left;
            }
            match wake {
                Wake::Signal(_) => end = end.min(begun + AT_LEAST),
                Wake::Timeout => return None,
                Wake::Other => {}
            }
        }
    }
}
