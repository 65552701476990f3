//! What a scope can be told beforehand, and its course from the body to the last child's end.

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::Name;
use super::Scope;
use super::children::Threads;
use super::shared::{Panicked, Shared, Site};
use crate::{CancelToken, cancel_token};

/// What a failed child, or a panicking body, does to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OnFailure {
    /// Cancels the scope's token, with the cause [`SiblingFailed`](crate::CancelCause::SiblingFailed).
    #[default]
    Cancel,
    /// Nothing: the others run to their end.
    Wait,
}

/// A scope with options; [`scope`](crate::scope()) is one without.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use backstop::scope::{OnFailure, Options};
///
/// let urls = ["a", "b", "c"];
/// Options::new().limit(2).on_failure(OnFailure::Wait).timeout(Duration::from_secs(5)).run(|s| {
///     for url in urls {
///         s.spawn(move || println!("fetching {url}"));
///     }
/// });
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "options do nothing until `run`"]
pub struct Options {
    pub(super) limit: Option<NonZero<usize>>,
    pub(super) on_failure: OnFailure,
    pub(super) name: Option<Name>,
    deadline: Option<Instant>,
    timeout: Option<Duration>,
    parent: Option<CancelToken>,
}

impl Options {
    /// No limit, no deadline, and [`OnFailure::Cancel`].
    pub fn new() -> Self {
        Self::default()
    }

    /// How many children may run at once; by default, any number.
    ///
    /// A child counts from before its thread is created until its closure has returned and its result
    /// has been handed over. Thread-local destructors after that do not count, nor does the body.
    ///
    /// A child that blocks in a spawn, in a [`join`](super::ScopedJoinHandle::join), or at the end of
    /// a scope of its own does not run meanwhile: it gives up its place, and takes one again before it
    /// goes on. So children may spawn and join siblings at any limit. At a limit of 1, a child's
    /// spawn returns once the new child has ended.
    ///
    /// # Panics
    ///
    /// If `limit` is 0.
    #[track_caller]
    pub fn limit(mut self, limit: usize) -> Self {
        let Some(limit) = NonZero::new(limit) else {
            panic!("a scope with a limit of 0 could never run a child");
        };
        self.limit = Some(limit);
        self
    }

    /// The name, in events and errors, of the children that are given none; threads have it, too,
    /// except those that are spawned from a [`thread::Builder`].
    ///
    /// # Panics
    ///
    /// A thread's spawn, if the name contains a null byte.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    ///
    /// use backstop::scope::Options;
    ///
    /// let name = Options::new().name("fetch").run(|s| {
    ///     s.spawn(|| thread::current().name().map(str::to_owned)).join().unwrap()
    /// });
    /// assert_eq!(name.as_deref(), Some("fetch"));
    /// ```
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What a failed child, or a panicking body, does to the others.
    pub fn on_failure(mut self, on_failure: OnFailure) -> Self {
        self.on_failure = on_failure;
        self
    }

    /// The deadline of the scope's token, if its parent's is not earlier.
    ///
    /// The scope waits for its children all the same: they have to look at the token.
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// A [`deadline`](Self::deadline), counted from [`run`](Self::run); the earlier one of both
    /// counts.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The parent of the scope's token; by default, the [ambient one](crate::cancel_token).
    pub fn child_of(mut self, parent: &CancelToken) -> Self {
        self.parent = Some(parent.clone());
        self
    }

    /// Calls `f` with the scope, and returns after all its children have ended; see
    /// [`scope`](crate::scope()).
    ///
    /// # Panics
    ///
    /// With the first payload of the body's and the children's panics, unless it was taken through
    /// [`ScopedJoinHandle::join`](super::ScopedJoinHandle::join).
    #[track_caller]
    pub fn run<'env, F, T>(self, f: F) -> T
    where
        F: for<'scope> FnOnce(&Scope<'scope, 'env>) -> T,
    {
        let location = Location::caller();
        let body = Site::body(location);
        let shared = Arc::new(Shared::new(&self, location));
        let value = thread::scope(|std| {
            let scope = Scope::new(std, Threads::new(Arc::clone(&shared)));
            let result = {
                let _ambient = shared.token().enter();
                catch_unwind(AssertUnwindSafe(|| f(&scope)))
            };
            let value = match result {
                Ok(value) => Some(value),
                Err(payload) => {
                    shared.panicked(body, &thread::current(), payload);
                    None
                }
            };
            scope.children.join_all();
            value
        });
        let mut panics = shared.take_panics().into_iter();
        let Some(first) = panics.next() else {
            return value.unwrap_or_else(|| unreachable!("a body without a value has panicked"));
        };
        panics.for_each(Panicked::report);
        // The value goes first: its destructor may panic, too.
        shared.drop_result(body, &thread::current(), value);
        shared.take_panics().into_iter().for_each(Panicked::report);
        resume_unwind(first.into_payload())
    }

    pub(super) fn token(&self) -> CancelToken {
        let parent = self.parent.clone().unwrap_or_else(cancel_token);
        let timeout = self.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        match [self.deadline, timeout].into_iter().flatten().min() {
            None => parent.child(),
            Some(deadline) => parent.child_with_deadline(deadline),
        }
    }
}
