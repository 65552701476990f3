//! What a scope of tasks can fail with.

use std::fmt;
use std::panic::Location;

use super::shared::Site;
use crate::scope::Name;

/// What became of a child.
///
/// Needs the feature `tokio`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// It panicked.
    Panicked,
    /// It returned `Err`.
    Failed,
}

/// A child of a scope that failed.
///
/// Needs the feature `tokio`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ChildFailure {
    /// Its name, if it was given one.
    pub name: Option<Name>,
    /// Where it was spawned.
    pub location: &'static Location<'static>,
    /// What became of it.
    pub kind: FailureKind,
    /// The panic's message, or the error as it displays itself.
    pub message: String,
}

impl ChildFailure {
    pub(super) fn new(site: Site, kind: FailureKind, message: String) -> Self {
        let Site { name, location } = site;
        Self { name, location, kind, message }
    }
}

impl fmt::Display for ChildFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, location, kind, message } = self;
        let what = match kind {
            FailureKind::Panicked => "panicked",
            FailureKind::Failed => "failed",
        };
        match name {
            Some(name) => write!(f, "child `{name}` {what} at {location}: {message}"),
            None => write!(f, "child {what} at {location}: {message}"),
        }
    }
}

/// Every child of a scope that failed and whose result nobody took, in the order of their time.
///
/// Needs the feature `tokio`.
#[derive(Debug, Clone, thiserror::Error)]
pub struct ScopeError {
    failures: Vec<ChildFailure>,
}

impl ScopeError {
    pub(super) fn new(failures: Vec<ChildFailure>) -> Self {
        Self { failures }
    }

    /// The failed children, at least one.
    #[must_use]
    pub fn failures(&self) -> &[ChildFailure] {
        &self.failures
    }
}

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, failure) in self.failures.iter().enumerate() {
            let before = if index == 0 { "" } else { "; " };
            write!(f, "{before}{failure}")?;
        }
        Ok(())
    }
}

/// A scope does not take children any more: it is closing, or has ended.
///
/// Needs the feature `tokio`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the scope is closed")]
#[non_exhaustive]
pub struct Closed;

/// A function with a `deadline` was stopped by it.
///
/// Needs the feature `tokio`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deadline has passed")]
#[non_exhaustive]
pub struct DeadlineExceeded;

/// A return type that can say that the deadline has passed.
#[diagnostic::on_unimplemented(
    message = "a function with a `deadline` has to be able to return that it has passed, and `{Self}` \
               cannot",
    label = "expected a `Result` whose error implements `From<backstop::scope::DeadlineExceeded>`",
    note = "`Box<dyn std::error::Error>` does, and so does an enum with a variant for it under \
            `thiserror`'s `#[from]`"
)]
pub trait FromDeadline {
    /// The value that says so.
    fn from_deadline() -> Self;

    /// What a function returns that has a deadline: `value` is its body's, unless that was stopped;
    /// `is_cut` says whether children of it were. An error of its own comes first.
    fn by_deadline(value: Option<Self>, is_cut: bool) -> Self
    where
        Self: Sized;
}

#[diagnostic::do_not_recommend]
impl<T, E: From<DeadlineExceeded>> FromDeadline for Result<T, E> {
    fn from_deadline() -> Self {
        Err(DeadlineExceeded.into())
    }

    fn by_deadline(value: Option<Self>, is_cut: bool) -> Self {
        match value {
            Some(value) if !is_cut || value.is_err() => value,
            _ => Self::from_deadline(),
        }
    }
}

/// What a function with a deadline returns, of its body's value and whether children were cut off.
pub type ByDeadline<R> = fn(Option<R>, bool) -> R;

/// Asked of the return type where the attribute names the deadline, and nowhere else: so it is told
/// there if the type cannot say that the deadline has passed, once.
#[must_use]
pub fn by_deadline<R: FromDeadline>() -> ByDeadline<R> {
    R::by_deadline
}
