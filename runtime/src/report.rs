//! What the value of a cleanup expression says about the cleanup.

use std::fmt::{Debug, Display};

/// How a cleanup ended: the message of its failure, if it failed. A type without `?`, so that an
/// exit of the function that hides in a macro does not become one of the cleanup.
///
/// The message is boxed so that the way without one needs a single register.
#[derive(Debug)]
pub struct Ended(pub(crate) Option<Box<Message>>);

#[derive(Debug)]
pub(crate) struct Message(pub(crate) String);

impl Ended {
    /// It did not fail.
    pub const WELL: Self = Self(None);
}

/// The type of a cleanup's value, for method resolution to choose how an `Err` is shown: the
/// inherent method where the error has `Display`, else [`ByDebug`]'s.
#[derive(Debug)]
pub struct Value<'a, T>(&'a T);

/// Wraps the value of a cleanup expression.
#[inline(always)]
pub const fn value<T>(value: &T) -> Value<'_, T> {
    Value(value)
}

impl<T, E: Display> Value<'_, Result<T, E>> {
    /// The failure's message, if it is one.
    #[inline(always)]
    pub fn ended(&self) -> Ended {
        Ended(self.0.as_ref().err().map(show))
    }
}

#[cold]
#[inline(never)]
#[allow(clippy::unnecessary_box_returns, reason = "see `Ended`")]
fn show(error: &impl Display) -> Box<Message> {
    Box::new(Message(error.to_string()))
}

/// Everything without a `Display`able error.
pub trait ByDebug {
    /// What a cleanup may end with.
    type Of;
    /// The failure's message, if it is one.
    fn ended(&self) -> Ended
    where
        Self::Of: CleanupValue;
}

impl<T> ByDebug for Value<'_, T> {
    type Of = T;

    #[inline(always)]
    fn ended(&self) -> Ended
    where
        T: CleanupValue,
    {
        self.0.ended()
    }
}

/// What a cleanup may end with.
#[diagnostic::on_unimplemented(
    message = "a cleanup cannot end with a value of type `{Self}`",
    label = "expected `()`, or a `Result` whose error implements `Debug` or `Display`",
    note = "to ignore the value, end the cleanup with a `;` in a block: `#[cleanup({{ ..; }})]`"
)]
pub trait CleanupValue {
    /// The failure's message, if it is one.
    fn ended(&self) -> Ended;
}

impl CleanupValue for () {
    #[inline(always)]
    fn ended(&self) -> Ended {
        Ended::WELL
    }
}

impl<T, E: Debug> CleanupValue for Result<T, E> {
    #[inline(always)]
    fn ended(&self) -> Ended {
        Ended(self.as_ref().err().map(debug))
    }
}

#[cold]
#[inline(never)]
#[allow(clippy::unnecessary_box_returns, reason = "see `Ended`")]
fn debug(error: &impl Debug) -> Box<Message> {
    Box::new(Message(format!("{error:?}")))
}
