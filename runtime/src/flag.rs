//! The outcome flag of a block that holds guards.

use std::cell::Cell;
use std::thread;

use crate::Outcome;

/// Also the state of a block that nothing has marked. One constant for both, or the optimiser
/// would carry along which of the two it was.
const UNWIND: u8 = 0;
const SUCCESS: u8 = 1;
const ERROR: u8 = 2;
/// In a statement whose macros may hide an exit; the low bits say what such an exit would mean.
const SUSPECT: u8 = 4;
/// With `SUSPECT`: the thread was unwinding already when the statement began.
const DURING_UNWIND: u8 = 8;

/// What a flag says, or said: an [`Outcome`] that is worked out when somebody asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State(u8);

impl State {
    pub(crate) const SUCCESS: Self = Self(SUCCESS);
    /// Where there is no flag: a panic if the thread is unwinding, else a success.
    pub(crate) const AMBIENT: Self = Self(SUSPECT | SUCCESS);

    #[inline(always)]
    pub(crate) fn outcome(self) -> Outcome {
        match self.0 {
            SUCCESS => Outcome::Success,
            ERROR => Outcome::Error,
            UNWIND => Outcome::Unwind,
            suspect => unmarked_exit(suspect),
        }
    }
}

/// How the block that it belongs to is being left, as far as the expansion has said so.
///
/// Every way out that the macro sees marks the flag. One that is left unmarked was a panic, or
/// stood in a macro that cannot be parsed: such statements are announced with [`suspect`].
#[derive(Debug)]
pub struct Flag(Cell<u8>);

impl Flag {
    /// Not marked yet.
    #[inline(always)]
    #[allow(clippy::new_without_default, reason = "named by expansions only")]
    #[must_use]
    pub const fn new() -> Self {
        Self(Cell::new(UNWIND))
    }

    #[inline(always)]
    pub(crate) fn set(&self, outcome: Outcome) {
        self.0.set(bits(outcome));
    }

    /// Says that a panic leaves the block, until [`Self::resume`].
    #[inline(always)]
    pub(crate) fn interrupt(&self) -> State {
        State(self.0.replace(UNWIND))
    }

    #[inline(always)]
    pub(crate) fn resume(&self, before: State) {
        self.0.set(before.0);
    }
}

#[inline(always)]
const fn bits(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Success => SUCCESS,
        Outcome::Error => ERROR,
        // No sync block is left by cancellation.
        Outcome::Unwind | Outcome::Cancel => UNWIND,
    }
}

/// A panic began in the suspect statement, or else an exit hides in one of its macros.
#[cold]
fn unmarked_exit(state: u8) -> Outcome {
    if thread::panicking() && state & DURING_UNWIND == 0 {
        return Outcome::Unwind;
    }
    if state & ERROR != 0 { Outcome::Error } else { Outcome::Success }
}

/// Marks every block that is being left.
#[inline(always)]
pub fn mark<const N: usize>(flags: [&Flag; N]) {
    for flag in flags {
        flag.set(Outcome::Success);
    }
}

/// Announces a statement in which a macro may hide an exit of the function. `hidden` is what such
/// an exit means for a function of this return type. What it returns goes to [`restore`].
#[inline(always)]
pub fn suspect<const N: usize>(flags: [&Flag; N], hidden: Outcome) -> [u8; N] {
    let state = SUSPECT | bits(hidden) | if thread::panicking() { DURING_UNWIND } else { 0 };
    flags.map(|flag| flag.0.replace(state))
}

/// Ends what [`suspect`] began.
#[inline(always)]
pub fn restore<const N: usize>(flags: [&Flag; N], before: [u8; N]) {
    for (flag, state) in flags.into_iter().zip(before) {
        flag.0.set(state);
    }
}
