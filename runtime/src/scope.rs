//! Threads that end before the function that spawned them returns.
//!
//! [`scope`](crate::scope()) is [`std::thread::scope`] with the gaps closed:
//!
//! | | `std::thread::scope` | `backstop::scope` |
//! |---|---|---|
//! | returns after every child's closure | yes | yes |
//! | ... and after its thread-local destructors | only of children that were joined by hand | yes |
//! | a panic in a child nobody joined | "a scoped thread panicked"; the payload is lost | the first payload is resumed, the others are [events](crate::Event) |
//! | a result whose destructor panics | aborts | a panic of that child |
//! | a failed child tells its siblings | no | cancels the scope's [token](crate::CancelToken) |
//! | a limit on children running at once | no | [`Options::limit`] |
//!
//! # How a scope ends
//!
//! When the body has returned or panicked, the scope waits for every child, and for the children
//! that they spawned meanwhile. If the body and all children ended without a panic, apart from those
//! whose panic somebody took through [`ScopedJoinHandle::join`], the body's value is returned.
//!
//! Otherwise the first payload, in the order in which the panics reached the scope, is resumed: with
//! [`resume_unwind`](std::panic::resume_unwind), so that the panic hook, which ran when it happened,
//! does not run again. Each other panic is an [`Event`](crate::Event) of kind
//! [`ChildPanicked`](crate::EventKind::ChildPanicked), named as its thread is (`<unnamed>` without a
//! name, `<body>` for the body). None is lost, and none aborts the process, whatever the destructors
//! of payloads and results do.
//!
//! A child whose result panics when it is dropped unseen has panicked, too. If it is the body's own
//! unwinding that drops the result with its handle, that panic is an event at once.
//!
//! A scope may be opened in a destructor, even during an unwind, and works as anywhere else. As with
//! any panic there, the one that it resumes must not leave the destructor, or Rust aborts the
//! process: wrap the scope in [`catch_unwind`](std::panic::catch_unwind).
//!
//! # Cancellation
//!
//! Each scope has a [token](crate::CancelToken), a child of the [ambient one](crate::cancel_token) where it is opened.
//! It is the ambient one in the body and in each child. A child that panics, a
//! [fallible](Scope::spawn_fallible) one that returns `Err`, and a body that panics cancel it with the
//! cause [`SiblingFailed`](crate::CancelCause::SiblingFailed), unless [`OnFailure::Wait`] says
//! otherwise. Cancelling interrupts nothing: children look at the token and return.

mod child;
mod children;
mod handle;
#[cfg(all(feature = "process", unix))]
pub(crate) mod live;
#[cfg(feature = "tokio")]
mod local;
mod name;
mod options;
mod place;
mod shared;
#[cfg(feature = "tokio")]
pub(crate) mod tasks;

use std::fmt;
use std::io;
use std::panic::Location;
use std::sync::Arc;
use std::thread;

use crate::CancelToken;

pub use self::child::Child;
use self::children::Threads;
pub use self::handle::ScopedJoinHandle;
#[cfg(feature = "tokio")]
pub use self::local::{AnyChild, ChildError, LocalHandle, LocalScope, SendChild};
pub use self::name::Name;
pub use self::options::{OnFailure, Options};
#[cfg(feature = "tokio")]
pub use self::tasks::{
    ChildFailure, Closed, DeadlineExceeded, FailureKind, ScopeError, Task, TaskBuilder, TaskHandle,
    TaskScope, tokio,
};

/// Calls `f` with a scope to spawn threads in, and returns after all of them have ended.
///
/// The threads may borrow what lives outside of the call. See the [module](mod@crate::scope) for what
/// differs from [`std::thread::scope`], and [`Options`] for a limit, a deadline, and more.
///
/// # Panics
///
/// With the first payload of the body's and the children's panics, unless it was taken through
/// [`ScopedJoinHandle::join`].
///
/// # Examples
///
/// ```
/// let mut counts = [0; 2];
/// let texts = ["how much wood", "would a woodchuck chuck"];
///
/// let total = backstop::scope(|s| {
///     for (count, text) in counts.iter_mut().zip(texts) {
///         s.spawn(move || *count = text.split(' ').count());
///     }
///     s.spawn(|| texts.iter().map(|text| text.len()).sum::<usize>()).join().unwrap()
/// });
///
/// assert_eq!(counts, [3, 4]);
/// assert_eq!(total, 36);
/// ```
#[track_caller]
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&Scope<'scope, 'env>) -> T,
{
    Options::new().run(f)
}

/// A scope to spawn threads in; a handle, clones of which are the same scope.
///
/// A child that is to spawn siblings takes a clone along:
///
/// ```
/// backstop::scope(|s| {
///     let siblings = s.clone();
///     s.spawn(move || siblings.spawn(|| println!("spawned by a child")));
/// });
/// ```
pub struct Scope<'scope, 'env> {
    std: &'scope thread::Scope<'scope, 'env>,
    children: Arc<Threads<'scope>>,
}

impl<'scope, 'env> Scope<'scope, 'env> {
    fn new(std: &'scope thread::Scope<'scope, 'env>, children: Threads<'scope>) -> Self {
        Self { std, children: Arc::new(children) }
    }

    /// Spawns a child. The line of the call is its identity in events.
    ///
    /// Blocks while as many children run as the scope's [limit](Options::limit) allows. The handle may
    /// be dropped or forgotten.
    ///
    /// # Panics
    ///
    /// If the operating system fails to create a thread; see [`spawn_from`](Self::spawn_from).
    ///
    /// # Examples
    ///
    /// ```
    /// let sum = backstop::scope(|s| {
    ///     let one = s.spawn(|| 1);
    ///     let two = s.spawn(|| 2);
    ///     one.join().unwrap() + two.join().unwrap()
    /// });
    /// assert_eq!(sum, 3);
    /// ```
    // As in std: a handle that is dropped detaches from nothing, for the scope joins the thread.
    #[allow(clippy::must_use_candidate)]
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        self.child().spawn(f)
    }

    /// Spawns a child that can fail: an `Err` cancels the scope's token as a panic does. The value
    /// goes to the handle either way.
    ///
    /// # Panics
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// # Examples
    ///
    /// ```
    /// use backstop::{CancelCause, cancel_token};
    ///
    /// let cause = backstop::scope(|s| {
    ///     let sibling = s.spawn(|| cancel_token().wait());
    ///     s.spawn_fallible(|| "x".parse::<u32>());
    ///     sibling.join().unwrap()
    /// });
    /// assert_eq!(cause, CancelCause::SiblingFailed);
    /// ```
    #[allow(clippy::must_use_candidate)]
    #[track_caller]
    pub fn spawn_fallible<F, T, E>(&self, f: F) -> ScopedJoinHandle<'scope, Result<T, E>>
    where
        F: FnOnce() -> Result<T, E> + Send + 'scope,
        T: Send + 'scope,
        E: Send + 'scope,
    {
        self.child().spawn_fallible(f)
    }

    /// Spawns a child from the standard library's builder, which may carry a name and a stack size.
    ///
    /// # Errors
    ///
    /// If the operating system fails to create a thread.
    ///
    /// # Panics
    ///
    /// If the builder's name contains a null byte, as in std.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread::Builder;
    ///
    /// let name = backstop::scope(|s| -> std::io::Result<_> {
    ///     let builder = Builder::new().name("indexer".to_owned());
    ///     let child = s.spawn_from(builder, || std::thread::current().name().map(str::to_owned))?;
    ///     Ok(child.join().unwrap())
    /// });
    /// assert_eq!(name.unwrap().as_deref(), Some("indexer"));
    /// ```
    #[track_caller]
    pub fn spawn_from<F, T>(
        &self,
        builder: thread::Builder,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        self.launch(builder, Location::caller(), |_| false, f)
    }

    /// A child to be, that can be given a name and more before it is spawned.
    ///
    /// # Examples
    ///
    /// ```
    /// backstop::scope(|s| {
    ///     s.child().name("indexer").spawn(|| println!("indexing"));
    /// });
    /// ```
    pub fn child(&self) -> Child<'_, 'scope, 'env> {
        Child::new(self)
    }

    /// The scope's token, which is the [ambient one](crate::cancel_token) in its body and its
    /// children.
    #[must_use]
    pub fn cancel_token(&self) -> CancelToken {
        self.children.shared().token().clone()
    }

    /// `failed` tells whether the value of a child that did not panic is a failure.
    fn launch<F, T>(
        &self,
        builder: thread::Builder,
        location: &'static Location<'static>,
        failed: fn(&T) -> bool,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        child::launch(&self.children, location, failed, f, |run| {
            builder.spawn_scoped(self.std, move || run.run())
        })
        .map(ScopedJoinHandle::new)
    }
}

impl Clone for Scope<'_, '_> {
    fn clone(&self) -> Self {
        Self { std: self.std, children: Arc::clone(&self.children) }
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("token", self.children.shared().token())
            .finish_non_exhaustive()
    }
}
