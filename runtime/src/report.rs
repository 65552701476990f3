//! What the value of a cleanup expression says about the cleanup.

use std::fmt::{Debug, Display};
use std::ops::Deref;

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

    #[cfg(all(feature = "process", unix))]
    pub(crate) fn failed(message: String) -> Self {
        Self(Some(Box::new(Message(message))))
    }

    /// The message, if it failed.
    #[cfg(all(feature = "process", target_os = "linux"))]
    pub(crate) fn message(self) -> Option<String> {
        self.0.map(|message| message.0)
    }
}

/// The value of a cleanup, for method resolution to choose how an `Err` is shown: the method here
/// where the error has `Display`, else that of [`ByDebug`], to which this dereferences.
#[derive(Debug)]
pub struct Value<'a, T>(ByDebug<'a, T>);

/// The value of a cleanup that has no `Display`able error.
#[derive(Debug)]
pub struct ByDebug<'a, T>(&'a T);

/// Wraps the value of a cleanup expression.
#[inline(always)]
pub const fn value<T>(value: &T) -> Value<'_, T> {
    Value(ByDebug(value))
}

impl<'a, T> Deref for Value<'a, T> {
    type Target = ByDebug<'a, T>;

    #[inline(always)]
    fn deref(&self) -> &ByDebug<'a, T> {
        &self.0
    }
}

impl<T, E: Display> Value<'_, Result<T, E>> {
    /// How the cleanup ended.
    #[inline(always)]
    #[must_use]
    pub fn ended(&self) -> Ended {
        Ended(self.0.0.as_ref().err().map(show))
    }
}

#[cold]
#[inline(never)]
#[allow(clippy::unnecessary_box_returns, reason = "see `Ended`")]
fn show(error: &impl Display) -> Box<Message> {
    Box::new(Message(error.to_string()))
}

impl<T> ByDebug<'_, T> {
    /// How the cleanup ended.
    #[inline(always)]
    #[must_use]
    pub fn ended(&self) -> Ended
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
    note = "of a future write `async {{ EXPR.await }}`, and of a closure its body alone",
    note = "to ignore another value, end the cleanup with a `;` in a block: `#[cleanup({{ ..; }})]`"
)]
pub trait CleanupValue {
    /// The failure's message, if it is one.
    fn ended(&self) -> Ended;
}

#[diagnostic::do_not_recommend]
impl CleanupValue for () {
    #[inline(always)]
    fn ended(&self) -> Ended {
        Ended::WELL
    }
}

/// Names the type that a function returns: `!` cannot be written here.
pub trait Returns {
    /// It.
    type Value;
}

impl<T> Returns for fn() -> T {
    type Value = T;
}

/// Of a cleanup that is yet to be written, or that panics.
#[diagnostic::do_not_recommend]
impl CleanupValue for <fn() -> ! as Returns>::Value {
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
