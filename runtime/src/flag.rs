//! The outcome flag of a block that holds guards.

use std::cell::Cell;
use std::sync::atomic::{AtomicU8, Ordering};
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
/// In a future that is not being polled: who drops it now cancels it. On top of whatever else is set.
const SUSPENDED: u8 = 16;
/// With `SUSPECT`: what hides in the statement's macros is an `.await`.
const HIDDEN_AWAIT: u8 = 32;

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
    pub(crate) const CANCEL: Self = Self(SUSPENDED);

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
            suspended if suspended & SUSPENDED != 0 => Outcome::Cancel,
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

/// A [`Flag`] of an `async` block, whose future may go from thread to thread between two polls.
///
/// Relaxed loads and stores: a future is polled or dropped by one thread at a time, and whoever hands
/// it to another orders all that it did.
#[derive(Debug)]
pub struct SharedFlag(AtomicU8);

impl SharedFlag {
    /// Not marked yet.
    #[inline(always)]
    #[allow(clippy::new_without_default, reason = "named by expansions only")]
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU8::new(UNWIND))
    }
}

/// Where a flag keeps its state.
pub trait Mark {
    /// What it says.
    fn get(&self) -> State;
    /// Sets it.
    fn set(&self, state: State);
}

impl Mark for Flag {
    #[inline(always)]
    fn get(&self) -> State {
        State(self.0.get())
    }

    #[inline(always)]
    fn set(&self, state: State) {
        self.0.set(state.0);
    }
}

impl Mark for SharedFlag {
    #[inline(always)]
    fn get(&self) -> State {
        State(self.0.load(Ordering::Relaxed))
    }

    #[inline(always)]
    fn set(&self, state: State) {
        self.0.store(state.0, Ordering::Relaxed);
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
    /// Notes for each whether the future is suspended.
    fn suspend(self, suspended: bool);
}

#[inline(always)]
fn suspend(flag: &impl Mark, suspended: bool) {
    let state = flag.get().0;
    flag.set(State(if suspended { state | SUSPENDED } else { state & !SUSPENDED }));
}

impl<M: Mark> Flags for &M {
    type States = State;

    #[inline(always)]
    fn replace(self, state: State) -> State {
        let before = self.get();
        self.set(state);
        before
    }

    #[inline(always)]
    fn restore(self, state: State) {
        self.set(state);
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

    #[inline(always)]
    fn suspend(self, suspended: bool) {
        suspend(self, suspended);
    }
}

impl<M: Mark, const N: usize> Flags for [&M; N] {
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

    #[inline(always)]
    fn suspend(self, suspended: bool) {
        for flag in self {
            suspend(flag, suspended);
        }
    }
}

#[inline(always)]
const fn bits(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Success => SUCCESS,
        Outcome::Error => ERROR,
        Outcome::Unwind => UNWIND,
        Outcome::Cancel => SUSPENDED,
    }
}

/// A panic that began in the suspect statement; or else an exit that hides in one of its macros.
#[cold]
fn uncommon(state: u8) -> Outcome {
    if thread::panicking() && state & DURING_UNWIND == 0 {
        return Outcome::Unwind;
    }
    if state & HIDDEN_AWAIT != 0 {
        // No `.await` that is seen is pending, so it is the hidden one.
        Outcome::Cancel
    } else if state & ERROR != 0 {
        Outcome::Error
    } else {
        Outcome::Success
    }
}

/// Marks every block that is being left.
#[inline(always)]
pub fn mark(flags: impl Flags) {
    flags.replace(State::SUCCESS);
}

/// Announces a statement in which a macro may hide an exit of the function. `hidden` is what such
/// an exit means for a function of this return type; `Cancel` where it is an `.await` that hides
/// there. What it returns goes to [`restore`].
#[inline(always)]
pub fn suspect<F: Flags>(flags: F, hidden: Outcome) -> F::States {
    let during = if thread::panicking() { DURING_UNWIND } else { 0 };
    let hidden = if hidden == Outcome::Cancel { HIDDEN_AWAIT } else { bits(hidden) };
    flags.replace(State(SUSPECT | hidden | during))
}

/// Ends what [`suspect`] began.
#[inline(always)]
pub fn restore<F: Flags>(flags: F, before: F::States) {
    flags.restore(before);
}
