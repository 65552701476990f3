//! Which outcome a value means, decided by its type without breaking inference.

use std::marker::PhantomData;
use std::ops::{ControlFlow, Deref};
use std::task::Poll;

use crate::Outcome;
use crate::flag::{Flags, State};
use crate::guard::Switch;

/// A type that `?` takes.
#[diagnostic::on_unimplemented(
    message = "the `?` operator can only be applied to values that implement `Try`",
    label = "the `?` operator cannot be applied to type `{Self}`"
)]
pub trait Question {
    /// Calls `mark` where `?` leaves the function with this value. The same match as that of the
    /// `?` behind it, so that the two become one; a `bool` in between would keep them apart.
    fn on_leaving(&self, mark: impl FnOnce());
}

impl<T> Question for Option<T> {
    #[inline(always)]
    #[allow(clippy::redundant_pattern_matching, reason = "the same match as that of `?`")]
    fn on_leaving(&self, mark: impl FnOnce()) {
        if let None = self {
            mark();
        }
    }
}

impl<T, E> Question for Result<T, E> {
    #[inline(always)]
    #[allow(clippy::redundant_pattern_matching, reason = "the same match as that of `?`")]
    fn on_leaving(&self, mark: impl FnOnce()) {
        if let Err(_) = self {
            mark();
        }
    }
}

impl<B, C> Question for ControlFlow<B, C> {
    #[inline(always)]
    fn on_leaving(&self, mark: impl FnOnce()) {
        if let ControlFlow::Break(_) = self {
            mark();
        }
    }
}

impl<T, E> Question for Poll<Result<T, E>> {
    #[inline(always)]
    fn on_leaving(&self, mark: impl FnOnce()) {
        if let Poll::Ready(Err(_)) = self {
            mark();
        }
    }
}

impl<T, E> Question for Poll<Option<Result<T, E>>> {
    #[inline(always)]
    fn on_leaving(&self, mark: impl FnOnce()) {
        if let Poll::Ready(Some(Err(_))) = self {
            mark();
        }
    }
}

/// The operand of a `?`: marks what it leaves, if it leaves.
#[inline(always)]
pub fn question<T: Question>(flags: impl Flags, value: T) -> T {
    value.on_leaving(|| set(flags, Outcome::Error));
    value
}

#[inline(always)]
fn set(flags: impl Flags, outcome: Outcome) {
    flags.replace(State::of(outcome));
}

/// The operand of a `?` in a guarded statement: where it leaves, what the statement announced did
/// not happen, and its cleanup is disarmed.
#[inline(always)]
pub fn question_disarming<T: Question, S: Switch, const M: usize>(
    flags: impl Flags,
    armed: [&S; M],
    value: T,
) -> T {
    value.on_leaving(|| {
        armed.into_iter().for_each(Switch::disarm);
        set(flags, Outcome::Error);
    });
    value
}

/// How a return value is judged. `R` ties the judge to the function's return type, so that
/// [`leave`] gives its argument that type as the expectation.
pub trait Verdict<R>: Copy {
    /// The outcome that a function left with `value` had.
    fn outcome(self, value: &R) -> Outcome;
    /// The outcome of an exit whose value nobody sees.
    fn hidden(self) -> Outcome;
}

/// Judges `R` by value where its type has an error side. Method resolution comes to these inherent
/// methods before that of [`Plain`], to which this dereferences: `judge::<R>().verdict()` decides
/// by type, and needs no trait in scope.
#[derive(Debug)]
pub struct Judge<R>(Plain<R>);

/// Judges every value a success.
#[derive(Debug)]
pub struct Plain<R>(PhantomData<fn() -> R>);

/// The judge of return type `R`.
#[inline(always)]
#[must_use]
pub const fn judge<R>() -> Judge<R> {
    Judge(Plain(PhantomData))
}

impl<R> Deref for Judge<R> {
    type Target = Plain<R>;

    #[inline(always)]
    fn deref(&self) -> &Plain<R> {
        &self.0
    }
}

impl<R> Plain<R> {
    /// The verdict that is always `Success`.
    #[inline(always)]
    #[must_use]
    pub fn verdict(&self) -> AlwaysSuccess<R> {
        AlwaysSuccess(PhantomData)
    }
}

/// The verdict of types without an error side.
#[derive(Debug)]
pub struct AlwaysSuccess<R>(PhantomData<fn() -> R>);

/// The verdict of types with an error side.
#[derive(Debug)]
pub struct ByValue<R>(PhantomData<fn() -> R>);

macro_rules! copy {
    ($($name:ident)*) => {$(
        // Not derived: that would ask for `R: Copy`.
        impl<R> Clone for $name<R> {
            #[inline(always)]
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<R> Copy for $name<R> {}
    )*};
}
copy!(AlwaysSuccess ByValue);

impl<R> Verdict<R> for AlwaysSuccess<R> {
    #[inline(always)]
    fn outcome(self, _: &R) -> Outcome {
        Outcome::Success
    }

    #[inline(always)]
    fn hidden(self) -> Outcome {
        Outcome::Success
    }
}

macro_rules! by_value {
    ($([$($generics:ident),*] $type:ty, $is_error:expr;)*) => {$(
        impl<$($generics),*> Judge<$type> {
            /// The verdict by value.
            #[inline(always)]
            pub fn verdict(&self) -> ByValue<$type> {
                ByValue(PhantomData)
            }
        }

        impl<$($generics),*> Verdict<$type> for ByValue<$type> {
            #[inline(always)]
            fn outcome(self, value: &$type) -> Outcome {
                let is_error: fn(&$type) -> bool = $is_error;
                if is_error(value) { Outcome::Error } else { Outcome::Success }
            }

            #[inline(always)]
            fn hidden(self) -> Outcome {
                Outcome::Error
            }
        }
    )*};
}

by_value! {
    [T, E] Result<T, E>, Result::is_err;
    [T] Option<T>, Option::is_none;
    [B, C] ControlFlow<B, C>, ControlFlow::is_break;
    [T, E] Poll<Result<T, E>>, |value| matches!(value, Poll::Ready(Err(_)));
    [T] Poll<Option<T>>, |value| matches!(value, Poll::Ready(None));
    [B, C] Poll<ControlFlow<B, C>>, |value| matches!(value, Poll::Ready(ControlFlow::Break(_)));
}

// Values come in a tuple, but for that of the sync `leave`: it is there that the compiler finds one to be
// of another type than expected, and it has no reason to name these functions.

/// A value that the function is left with: marks every block that is left.
#[inline(always)]
pub fn leave<R, V: Verdict<R>>(flags: impl Flags, verdict: V, value: R) -> R {
    let outcome = verdict.outcome(&value);
    set(flags, outcome);
    value
}

/// A value that an inner block, or a loop, ends with: going on in the function is a success.
#[inline(always)]
pub fn ended<T>(flags: impl Flags, (value,): (T,)) -> T {
    crate::flag::mark(flags);
    value
}

/// As [`ended`] for the first `left` of the flags, after a [`suspect`](crate::flag::suspect) of
/// all: the blocks of the others go on as before.
#[inline(always)]
pub fn ended_suspect<F: Flags, T>(flags: F, left: usize, before: F::States, (value,): (T,)) -> T {
    flags.restore(before);
    flags.set_innermost(left, State::SUCCESS);
    value
}

// The same with the value first: in an `async` function an argument before it that borrows a flag
// would be kept in the future while the value is awaited.

/// [`question`] in an `async` function.
#[inline(always)]
pub fn question_async<T: Question>(value: T, flags: impl Flags) -> T {
    question(flags, value)
}

/// [`question_disarming`] in an `async` function.
#[inline(always)]
pub fn question_disarming_async<T: Question, S: Switch, const M: usize>(
    value: T,
    flags: impl Flags,
    armed: [&S; M],
) -> T {
    question_disarming(flags, armed, value)
}

/// [`leave`] in an `async` function.
#[inline(always)]
pub fn leave_async<R, V: Verdict<R>>(value: (R,), flags: impl Flags, verdict: V) -> R {
    leave(flags, verdict, value.0)
}

/// [`ended`] in an `async` function.
#[inline(always)]
pub fn ended_async<T>(value: (T,), flags: impl Flags) -> T {
    ended(flags, value)
}
