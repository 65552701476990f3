//! The gate: where threads are held that would make what nobody would clean up any more.
//!
//! A thread that is held may own what others need: a lock that a cleanup of theirs takes, or the end
//! that an `atexit` handler waits for. So the gate is open while older cleanups go on elsewhere, opens
//! again when a closed one brings the hook no further, and lets everybody go at the deadline.

use std::sync::OnceLock;
use std::time::Duration;

use super::bell::Bell;
use super::hook::{Hook, MARGIN};
use super::phase::Phase;
use super::thread;
use crate::sync::{Instant, sleep};

pub(super) struct Gate {
    /// Rung whenever the hook closes, and when the gate opens again.
    bell: Bell,
    /// When nobody is held any longer.
    deadline: OnceLock<Instant>,
    /// When what can leave off in good order should.
    last_call: OnceLock<Instant>,
}

/// What it takes at most to leave off, of a quarter of the time.
const LAST_CALL: Duration = Duration::from_millis(250);

impl Gate {
    pub(super) fn new() -> Self {
        Self { bell: Bell::new(), deadline: OnceLock::new(), last_call: OnceLock::new() }
    }

    /// The phase has changed from [`Phase::Closing`] to another one.
    pub(super) fn tell(&self) {
        self.bell.ring();
    }
}

impl Hook {
    /// The hook's time, from `begin` on, is over then.
    pub(super) fn set_deadline(&self, begin: Instant, until: Instant) {
        let _ = self.gate.deadline.set(until + MARGIN);
        let time = until.saturating_duration_since(begin);
        let _ = self.gate.last_call.set(begin + time.saturating_sub(LAST_CALL.min(time / 4)));
    }

    /// Whether what has not ended within moments is cut off.
    pub(super) fn is_nearly_over(&self) -> bool {
        self.gate.last_call.get().is_some_and(|last_call| *last_call <= Instant::now())
    }

    /// Closes the gate.
    pub(super) fn hold_others(&self) {
        self.set_phase(Phase::Closing);
    }

    /// Opens it again.
    pub(super) fn let_others_go(&self) {
        self.set_phase(Phase::Ending);
        self.gate.tell();
    }

    /// Holds this thread while the gate is closed, unless the hook waits for it, or it ends the process.
    /// Tells whether the gate was opened again.
    pub(super) fn hold(&self) -> bool {
        while thread::is_free() {
            let seen = self.gate.bell.count();
            let deadline = self.gate.deadline.get().copied();
            match self.phase() {
                Phase::Open | Phase::Ending => return true,
                Phase::Closing if self.gate.bell.wait(seen, deadline) => {}
                Phase::Closing => return false,
                Phase::Closed => {
                    let left = |until: Instant| until.saturating_duration_since(Instant::now());
                    match deadline.map_or(Duration::ZERO, left) {
                        Duration::ZERO => {}
                        left => sleep(left),
                    }
                    return false;
                }
            }
        }
        false
    }
}
