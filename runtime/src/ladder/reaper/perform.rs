//! Performing what was registered, each action on a thread that may hang.

use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::log::Log;
use super::protocol;
use crate::event;
use crate::ladder::action::{Performed, Prepared};

/// What is registered for a key.
pub(super) struct Registration {
    /// Whether the owner told that the thing exists.
    pub(super) committed: bool,
    /// The encoded action.
    pub(super) action: Box<[u8]>,
    /// A pidfd of the leader of the process group that it is about.
    pub(super) leader: Option<OwnedFd>,
}

/// How many deadlines late actions have, together, once all others are done.
const LATE_DEADLINES: u32 = 10;

/// Performs all in the given order. An action that takes longer than `deadline` is left behind, and
/// waited for when the others are done.
pub(super) fn all(
    registrations: impl Iterator<Item = Registration>,
    deadline: Duration,
    log: &mut Log,
) {
    let mut worker = Worker::start();
    let mut late = Vec::new();
    for Registration { committed, action, leader } in registrations {
        let name = if committed { "" } else { "(not committed) " };
        let action = match protocol::decode::<Prepared>(&action) {
            Ok(action) => action,
            Err(error) => {
                log.line(&format!("{name}left alone: {error}"));
                continue;
            }
        };
        let name = format!("{name}{action}");
        let (next, result) = worker.perform((action, leader), deadline);
        worker = next;
        match result {
            Answer::Now(result) => log.line(&format!("{name}: {result}")),
            Answer::Late(answer) => {
                log.line(&format!("{name}: not done within {deadline:?}, going on with the next"));
                late.push((name, answer));
            }
        }
    }
    let end = Instant::now() + deadline * LATE_DEADLINES;
    for (name, answer) in late {
        match answer.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(result) => log.line(&format!("{name}: late, {result}")),
            Err(_) => log.line(&format!("{name}: given up")),
        }
    }
}

/// What came of an action.
enum Answer {
    /// In words.
    Now(String),
    /// It will come here.
    Late(Receiver<String>),
}

/// An action, and the leader of the process group that it is about.
type Task = (Prepared, Option<OwnedFd>);

/// Where actions are performed.
enum Worker {
    Thread {
        actions: Sender<Task>,
        answers: Receiver<String>,
    },
    /// There are no threads to be had. Without a deadline is better than not at all.
    Here,
}

impl Worker {
    fn start() -> Self {
        let (actions, work) = mpsc::channel();
        let (results, answers) = mpsc::channel();
        let thread = thread::Builder::new().name("actions".to_owned()).spawn(move || {
            for action in work {
                if results.send(perform(&action)).is_err() {
                    return;
                }
            }
        });
        match thread {
            Ok(_) => Self::Thread { actions, answers },
            Err(_) => Self::Here,
        }
    }

    /// Performs an action, and tells where to perform the next one.
    fn perform(self, action: Task, deadline: Duration) -> (Self, Answer) {
        let Self::Thread { actions, answers } = self else {
            return (Self::Here, Answer::Now(perform(&action)));
        };
        // The thread lives as long as `actions`: it contains panics.
        let _ = actions.send(action);
        match answers.recv_timeout(deadline) {
            Ok(result) => (Self::Thread { actions, answers }, Answer::Now(result)),
            Err(RecvTimeoutError::Timeout) => (Self::start(), Answer::Late(answers)),
            Err(RecvTimeoutError::Disconnected) => {
                (Self::start(), Answer::Now("failed: its thread is gone".to_owned()))
            }
        }
    }
}

fn perform((action, leader): &Task) -> String {
    let leader = leader.as_ref().map(AsFd::as_fd);
    match catch_unwind(AssertUnwindSafe(|| action.perform_with(leader))) {
        Ok(Ok(Performed::Done)) => "done".to_owned(),
        Ok(Ok(Performed::Gone)) => "nothing left to do".to_owned(),
        Ok(Ok(Performed::LeftAlone(why) | Performed::Hidden(why))) => {
            format!("left alone: {}", why.escape_debug())
        }
        Ok(Err(error)) => format!("failed: {}", error.to_string().escape_debug()),
        Err(payload) => {
            let message = event::panic_message(&*payload);
            event::discard(payload);
            format!("panicked: {}", message.escape_debug())
        }
    }
}
