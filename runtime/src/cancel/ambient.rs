//! The token of the scope that the thread is in.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::OnceLock;

use super::CancelToken;
use crate::sync::thread_local;

thread_local! {
    static AMBIENT: RefCell<Option<CancelToken>> = const { RefCell::new(None) };
}

/// The ambient token: that of the [scope](mod@crate::scope) whose body or child the thread is running.
///
/// Outside of any scope it is a token of the thread's own, without a parent and without a deadline:
/// the same one at each call, cancelled by nobody unless this thread hands it out. A thread started
/// with [`std::thread::spawn`] inherits nothing; give it a [`child`](CancelToken::child).
///
/// Under [`#[backstop::main]`](crate::main) there is a root: it is the ambient token in `main`, and
/// the parent of those of threads outside of any scope. It is cancelled, with the cause
/// [`Shutdown`](crate::CancelCause::Shutdown), when the program is asked to end.
///
/// Never panics, not even in the destructor of a thread-local value at the end of the thread, where
/// it may be a fresh token each time.
///
/// # Examples
///
/// ```
/// use backstop::{Cancelled, cancel_token};
///
/// fn import(rows: &[u32]) -> Result<u32, Cancelled> {
///     rows.iter().try_fold(0, |sum, row| {
///         cancel_token().check()?;
///         Ok(sum + row)
///     })
/// }
///
/// let sum = backstop::scope(|s| s.spawn(|| import(&[1, 2, 3])).join());
/// assert_eq!(sum.unwrap(), Ok(6));
/// ```
#[must_use]
pub fn cancel_token() -> CancelToken {
    AMBIENT
        .try_with(|ambient| ambient.borrow_mut().get_or_insert_with(of_a_thread).clone())
        .unwrap_or_else(|_| of_a_thread())
}

/// The root of the process's tokens, once there is one.
static ROOT: OnceLock<CancelToken> = OnceLock::new();

/// Makes `root` the parent of the tokens of threads outside of any scope, from now on and for good.
#[cfg(all(feature = "process", unix))]
pub(crate) fn set_root(root: CancelToken) {
    // The first one stays: there is one `main`.
    let _ = ROOT.set(root);
}

/// A token for a thread that is in no scope.
fn of_a_thread() -> CancelToken {
    ROOT.get().map_or_else(CancelToken::new, CancelToken::child)
}

/// A token is the ambient one until this is dropped.
pub(crate) struct Entered {
    previous: Option<CancelToken>,
    /// To be dropped on the thread that it was made on.
    _not_send: PhantomData<*const ()>,
}

impl Entered {
    pub(super) fn new(token: CancelToken) -> Self {
        Self { previous: replace(Some(token)), _not_send: PhantomData }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        replace(self.previous.take());
    }
}

/// Sets the ambient token and returns the one before; nothing happens where the thread has ended.
fn replace(token: Option<CancelToken>) -> Option<CancelToken> {
    AMBIENT.try_with(|ambient| ambient.replace(token)).ok().flatten()
}
