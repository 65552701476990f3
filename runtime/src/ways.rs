//! Ways out of the labelled block that stands between an `async` cleanup and what it cleans up after.
//!
//! A cleanup that is to be awaited cannot run in a destructor. What follows its declaration is put
//! into a block whose every way out ends at the end of that block, with a [`Way`] as its value; there
//! the cleanup is awaited, and then the way is gone on with.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::task::Poll;

/// A way out of the block.
#[derive(Debug)]
pub enum Way<V, R> {
    /// Its end, with its value.
    End(V),
    /// Out of the function, with the function's value.
    Return(R),
    /// A `break` or `continue` of something around the block, by its number.
    Jump(usize),
}

/// The value of a block whose end is not reached.
#[derive(Debug)]
pub enum Never {}

/// Where a number of a jump would be one of none.
///
/// # Panics
///
/// Always: no expansion comes here.
#[cold]
pub fn unreachable_way() -> ! {
    unreachable!("a jump that the body does not have")
}

/// What a `break` carries over the block.
///
/// # Panics
///
/// If it carries nothing, which no expansion brings about.
pub fn carried<T>(value: Option<T>) -> T {
    value.unwrap_or_else(|| unreachable!("a break without its value"))
}

/// What a `?` finds.
#[derive(Debug)]
pub enum Found<T, X> {
    /// What it goes on with.
    Value(T),
    /// What it leaves with.
    Residual(X),
}

/// What `?` does with its operand, of the same types.
pub trait Branch {
    /// What it goes on with.
    type Output;
    /// What it leaves with.
    type Residual;
    /// Takes the value apart.
    fn branch(self) -> Found<Self::Output, Self::Residual>;
}

/// A return type that a function can be left with through `?`.
#[diagnostic::on_unimplemented(
    message = "`?` cannot leave a function that returns `{Self}` with what it found",
    label = "the error cannot be converted by `From` to that of the function"
)]
pub trait FromResidual<X> {
    /// The value of the function.
    fn from_residual(residual: X) -> Self;
}

/// Takes the operand of a `?` apart.
#[inline(always)]
pub fn branch<T: Branch>(value: T) -> Found<T::Output, T::Residual> {
    value.branch()
}

/// The value that a function is left with through `?`.
#[inline(always)]
#[track_caller]
pub fn left<R: FromResidual<X>, X>(residual: X) -> R {
    R::from_residual(residual)
}

impl<T> Branch for Option<T> {
    type Output = T;
    type Residual = Option<Infallible>;

    #[inline(always)]
    fn branch(self) -> Found<T, Option<Infallible>> {
        match self {
            Some(value) => Found::Value(value),
            None => Found::Residual(None),
        }
    }
}

impl<T, E> Branch for Result<T, E> {
    type Output = T;
    type Residual = Result<Infallible, E>;

    #[inline(always)]
    fn branch(self) -> Found<T, Result<Infallible, E>> {
        match self {
            Ok(value) => Found::Value(value),
            Err(error) => Found::Residual(Err(error)),
        }
    }
}

impl<B, C> Branch for ControlFlow<B, C> {
    type Output = C;
    type Residual = ControlFlow<B, Infallible>;

    #[inline(always)]
    fn branch(self) -> Found<C, ControlFlow<B, Infallible>> {
        match self {
            ControlFlow::Continue(value) => Found::Value(value),
            ControlFlow::Break(value) => Found::Residual(ControlFlow::Break(value)),
        }
    }
}

impl<T, E> Branch for Poll<Result<T, E>> {
    type Output = Poll<T>;
    type Residual = Result<Infallible, E>;

    #[inline(always)]
    fn branch(self) -> Found<Poll<T>, Result<Infallible, E>> {
        match self {
            Poll::Ready(Err(error)) => Found::Residual(Err(error)),
            Poll::Ready(Ok(value)) => Found::Value(Poll::Ready(value)),
            Poll::Pending => Found::Value(Poll::Pending),
        }
    }
}

impl<T, E> Branch for Poll<Option<Result<T, E>>> {
    type Output = Poll<Option<T>>;
    type Residual = Result<Infallible, E>;

    #[inline(always)]
    fn branch(self) -> Found<Poll<Option<T>>, Result<Infallible, E>> {
        match self {
            Poll::Ready(Some(Err(error))) => Found::Residual(Err(error)),
            Poll::Ready(Some(Ok(value))) => Found::Value(Poll::Ready(Some(value))),
            Poll::Ready(None) => Found::Value(Poll::Ready(None)),
            Poll::Pending => Found::Value(Poll::Pending),
        }
    }
}

impl<T> FromResidual<Option<Infallible>> for Option<T> {
    #[inline(always)]
    fn from_residual(_: Option<Infallible>) -> Self {
        None
    }
}

impl<B, C> FromResidual<ControlFlow<B, Infallible>> for ControlFlow<B, C> {
    #[inline(always)]
    fn from_residual(residual: ControlFlow<B, Infallible>) -> Self {
        match residual {
            ControlFlow::Break(value) => ControlFlow::Break(value),
            ControlFlow::Continue(never) => match never {},
        }
    }
}

macro_rules! from_result {
    ($($type:ty, $make:expr;)*) => {$(
        impl<T, E, F: From<E>> FromResidual<Result<Infallible, E>> for $type {
            #[inline(always)]
            #[track_caller]
            fn from_residual(residual: Result<Infallible, E>) -> Self {
                match residual {
                    Err(error) => $make(F::from(error)),
                    Ok(never) => match never {},
                }
            }
        }
    )*};
}

from_result! {
    Result<T, F>, Err;
    Poll<Result<T, F>>, |error| Poll::Ready(Err(error));
    Poll<Option<Result<T, F>>>, |error| Poll::Ready(Some(Err(error)));
}
