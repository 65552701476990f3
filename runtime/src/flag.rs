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
/// Not of a block, but of the process that ends.
const CANCEL: u8 = 16;

/// What a flag says, or said: an [`Outcome`] that is worked out when somebody asks.
#[derive(Clone, Copy, Debug)]
pub struct State(u8);

impl State {
    pub(crate) const UNWIND: Self = Self(UNWIND);
    pub(crate) const SUCCESS: Self = Self(SUCCESS);
    /// Where there is no flag: a panic if the thread is unwinding, else a success.
    pub(crate) const AMBIENT: Self = Self(SUSPECT | SUCCESS);
    /// The process's end cuts the scope off.
    #[cfg(all(feature = "process", unix))]
    pub(crate) const CANCEL: Self = Self(CANCEL);

    #[inline(always)]
    pub(crate) const fn of(outcome: Outcome) -> Self {
        Self(bits(outcome))
    }

    /// Whether the expansion has said so, and nobody has to guess.
    #[cfg(all(feature = "process", unix))]
    pub(crate) fn is_marked_success(self) -> bool {
        self.0 == SUCCESS
    }

    #[inline(always)]
    pub(crate) fn outcome(self) -> Outcome {
        match self.0 {
            SUCCESS => Outcome::Success,
            ERROR => Outcome::Error,
            UNWIND => Outcome::Unwind,
            other => uncommon(other),
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
}

/// The flags of one block, or of several, innermost first: most places are in one only, and a
/// reference costs the compiler less than an array of one.
pub trait Flags: Copy {
    /// What they said.
    type States: Copy;
    /// Sets them all, and gives what they said.
    fn replace(self, state: State) -> Self::States;
    /// Sets them back.
    fn restore(self, states: Self::States);
    /// Sets the innermost `count`.
    fn set_innermost(self, count: usize, state: State);
    /// What the innermost said.
    fn innermost(states: Self::States) -> State;
}

impl Flags for &Flag {
    type States = State;

    #[inline(always)]
    fn replace(self, state: State) -> State {
        State(self.0.replace(state.0))
    }

    #[inline(always)]
    fn restore(self, state: State) {
        self.0.set(state.0);
    }

    #[inline(always)]
    fn set_innermost(self, count: usize, state: State) {
        if count > 0 {
            self.restore(state);
        }
    }

    #[inline(always)]
    fn innermost(state: State) -> State {
        state
    }
}

impl<const N: usize> Flags for [&Flag; N] {
    type States = [State; N];

    #[inline(always)]
    fn replace(self, state: State) -> [State; N] {
        self.map(|flag| flag.replace(state))
    }

    #[inline(always)]
    fn restore(self, states: [State; N]) {
        for (flag, state) in self.into_iter().zip(states) {
            flag.restore(state);
        }
    }

    #[inline(always)]
    fn set_innermost(self, count: usize, state: State) {
        for flag in self.into_iter().take(count) {
            flag.restore(state);
        }
    }

    #[inline(always)]
    fn innermost(states: [State; N]) -> State {
        states.first().copied().unwrap_or(State::AMBIENT)
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

/// The process's end; a panic that began in the suspect statement; or else an exit that hides in one
/// of its macros.
#[cold]
fn uncommon(state: u8) -> Outcome {
    if state == CANCEL {
        return Outcome::Cancel;
    }
    if thread::panicking() && state & DURING_UNWIND == 0 {
        return Outcome::Unwind;
    }
    if state & ERROR != 0 { Outcome::Error } else { Outcome::Success }
}

/// Marks every block that is being left.
#[inline(always)]
pub fn mark(flags: impl Flags) {
    flags.replace(State::SUCCESS);
}

/// Announces a statement in which a macro may hide an exit of the function. `hidden` is what such
/// an exit means for a function of this return type. What it returns goes to [`restore`].
#[inline(always)]
pub fn suspect<F: Flags>(flags: F, hidden: Outcome) -> F::States {
    let during = if thread::panicking() { DURING_UNWIND } else { 0 };
    flags.replace(State(SUSPECT | bits(hidden) | during))
}

/// Ends what [`suspect`] began.
#[inline(always)]
pub fn restore<F: Flags>(flags: F, before: F::States) {
    flags.restore(before);
}
