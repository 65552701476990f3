//! Cancellation that work looks at: tokens with a cause and a deadline, handed from parent to child.

mod ambient;
mod future;
mod node;
#[cfg(feature = "tokio")]
mod tokio_util;
#[cfg(feature = "tokio")]
mod wait;

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::ambient::cancel_token;
#[cfg(all(feature = "process", unix))]
pub(crate) use self::ambient::set_root;
pub use self::future::InScope;
use self::node::Node;
#[cfg(feature = "tokio")]
pub use self::wait::{Run, WaitForCancel};

/// Why a token is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelCause {
    /// Somebody asked for it: [`CancelToken::cancel`].
    Requested,
    /// The token's deadline has passed.
    Deadline,
    /// Another child of the same scope failed, or the scope's body did.
    SiblingFailed,
    /// The program is ending.
    Shutdown {
        /// Whether the grace period is over: what is left is to end now, not to finish its work.
        immediate: bool,
    },
}

impl fmt::Display for CancelCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requested => "requested",
            Self::Deadline => "the deadline has passed",
            Self::SiblingFailed => "a sibling failed",
            Self::Shutdown { immediate: false } => "the program is shutting down",
            Self::Shutdown { immediate: true } => "the program is shutting down at once",
        })
    }
}

/// The error of work that stopped because its token was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("cancelled: {cause}")]
#[non_exhaustive]
pub struct Cancelled {
    /// Why the token was cancelled. (A method would hide behind the deprecated `Error::cause`.)
    pub cause: CancelCause,
}

/// Tells work that it is no longer wanted, and why.
///
/// A token is a handle: clones are the same token. A [`child`](Self::child) is cancelled with its
/// parent, and never the other way round. Nothing is interrupted: work looks at its token, with
/// [`check`](Self::check) between two steps, or with [`sleep`](Self::sleep) instead of
/// [`std::thread::sleep`].
///
/// The first cause stays, except that `Shutdown { immediate: true }` replaces
/// `Shutdown { immediate: false }`.
///
/// A **deadline** takes no timer and no thread: from that instant on the token is found cancelled,
/// with the cause [`Deadline`](CancelCause::Deadline), by whoever looks, and those who wait wake up.
///
/// A child keeps its ancestors in memory; they do not keep their children.
///
/// # Examples
///
/// ```
/// use backstop::{CancelCause, CancelToken, Cancelled};
///
/// fn total(lines: &[&str], token: &CancelToken) -> Result<usize, Cancelled> {
///     let mut total = 0;
///     for line in lines {
///         token.check()?;
///         total += line.len();
///     }
///     Ok(total)
/// }
///
/// let request = CancelToken::new();
/// let query = request.child();
/// assert_eq!(total(&["ab", "c"], &query), Ok(3));
///
/// request.cancel();
/// assert_eq!(total(&["ab", "c"], &query).unwrap_err().cause, CancelCause::Requested);
/// ```
#[derive(Clone)]
pub struct CancelToken {
    node: Arc<Node>,
}

impl CancelToken {
    /// A token without a parent and without a deadline.
    #[must_use]
    pub fn new() -> Self {
        Self { node: Node::root() }
    }

    /// A token that is cancelled with this one, at the latest, and has its deadline.
    ///
    /// A child of a cancelled token is cancelled from the start, with the same cause.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { node: self.node.child(None) }
    }

    /// A [`child`](Self::child) with a deadline: `deadline` or its parent's, whichever is earlier.
    #[must_use]
    pub fn child_with_deadline(&self, deadline: Instant) -> Self {
        Self { node: self.node.child(Some(deadline)) }
    }

    /// A [`child`](Self::child) whose deadline is `timeout` from now, or its parent's if that is
    /// earlier.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use backstop::CancelToken;
    ///
    /// let request = CancelToken::new().child_with_timeout(Duration::from_secs(3));
    /// let query = request.child_with_timeout(Duration::from_secs(5));
    /// assert_eq!(query.deadline(), request.deadline());
    /// ```
    #[must_use]
    pub fn child_with_timeout(&self, timeout: Duration) -> Self {
        // An instant that cannot be expressed is one that never comes.
        Self { node: self.node.child(Instant::now().checked_add(timeout)) }
    }

    /// Cancels this token and all its descendants, with the cause [`CancelCause::Requested`].
    ///
    /// Without effect on a token that is already cancelled.
    #[track_caller]
    pub fn cancel(&self) {
        self.cancel_at(CancelCause::Requested, Location::caller());
    }

    /// Cancels this token and all its descendants, with a cause.
    ///
    /// Without effect on a token that is already cancelled, except that
    /// `Shutdown { immediate: true }` replaces `Shutdown { immediate: false }`. When the call that
    /// cancelled the token returns, every descendant is cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use backstop::{CancelCause, CancelToken};
    ///
    /// let token = CancelToken::new();
    /// token.cancel_with(CancelCause::Shutdown { immediate: false });
    /// token.cancel();
    /// assert_eq!(token.cause(), Some(CancelCause::Shutdown { immediate: false }));
    /// ```
    #[track_caller]
    pub fn cancel_with(&self, cause: CancelCause) {
        self.cancel_at(cause, Location::caller());
    }

    /// Cancels on behalf of what is at `location`.
    pub(crate) fn cancel_at(&self, cause: CancelCause, location: &'static Location<'static>) {
        self.node.cancel(cause, location);
    }

    /// Whether this token or an ancestor was cancelled, or its deadline has passed.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cause().is_some()
    }

    /// Why this token is cancelled; `None` if it is not.
    #[must_use]
    pub fn cause(&self) -> Option<CancelCause> {
        self.node.cause()
    }

    /// The instant from which on this token is cancelled: the earliest of its own and its
    /// ancestors' deadlines.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.node.deadline()
    }

    /// The time left until the [`deadline`](Self::deadline), for calls that take a timeout; zero once
    /// it has passed, `None` if there is none.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// `Ok` while the work is wanted; to be called between its steps, with `?`.
    ///
    /// # Errors
    ///
    /// [`Cancelled`], with the cause, if the token [is cancelled](Self::is_cancelled).
    pub fn check(&self) -> Result<(), Cancelled> {
        match self.cause() {
            None => Ok(()),
            Some(cause) => Err(Cancelled { cause }),
        }
    }

    /// Blocks the thread until the token is cancelled or its deadline passes, and says why.
    ///
    /// # Examples
    ///
    /// ```
    /// use backstop::{CancelCause, CancelToken};
    ///
    /// let token = CancelToken::new();
    /// std::thread::scope(|s| {
    ///     let waiting = s.spawn(|| token.wait());
    ///     token.cancel();
    ///     assert_eq!(waiting.join().unwrap(), CancelCause::Requested);
    /// });
    /// ```
    // The result says why; who only wanted to wait need not look.
    #[allow(clippy::must_use_candidate)]
    pub fn wait(&self) -> CancelCause {
        loop {
            if let Some(cause) = self.node.wait_until(None) {
                return cause;
            }
        }
    }

    /// Blocks the thread until the token is cancelled, its deadline passes, or `timeout` is over;
    /// `None` for the last.
    #[allow(clippy::must_use_candidate)]
    pub fn wait_timeout(&self, timeout: Duration) -> Option<CancelCause> {
        self.node.wait_until(Instant::now().checked_add(timeout))
    }

    /// Sleeps for `duration`, or until the token is cancelled.
    ///
    /// # Errors
    ///
    /// [`Cancelled`], with the cause, as soon as the token is cancelled or its deadline passes.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use backstop::{CancelToken, Cancelled};
    ///
    /// fn poll_for_ever(token: &CancelToken) -> Result<(), Cancelled> {
    ///     loop {
    ///         // .. ask once ..
    ///         token.sleep(Duration::from_secs(60))?;
    ///     }
    /// }
    ///
    /// let token = CancelToken::new();
    /// std::thread::scope(|s| {
    ///     s.spawn(|| assert!(poll_for_ever(&token).is_err()));
    ///     token.cancel();
    /// });
    /// ```
    pub fn sleep(&self, duration: Duration) -> Result<(), Cancelled> {
        match self.wait_timeout(duration) {
            None => Ok(()),
            Some(cause) => Err(Cancelled { cause }),
        }
    }

    /// Calls `f` with this token as the thread's ambient one, which [`cancel_token`] returns.
    ///
    /// The one before is restored afterwards, also when `f` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use backstop::cancel_token;
    ///
    /// // Everything called in here, and every scope opened in here, has 3 s at most.
    /// let query = cancel_token().child_with_timeout(Duration::from_secs(3));
    /// let deadline = query.as_ambient(|| backstop::scope(|s| s.cancel_token().deadline()));
    /// assert_eq!(deadline, query.deadline());
    /// assert_eq!(cancel_token().deadline(), None);
    /// ```
    pub fn as_ambient<T>(&self, f: impl FnOnce() -> T) -> T {
        let _ambient = self.enter();
        f()
    }

    /// Makes this the ambient token until the guard is dropped, on this thread.
    pub(crate) fn enter(&self) -> ambient::Entered {
        ambient::Entered::new(self.clone())
    }
}

impl Default for CancelToken {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken")
            .field("cause", &self.cause())
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}
