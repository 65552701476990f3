//! How children come into a scope on one task: the same for those that are `Send`, and for any.

use std::future::Future;
use std::panic::Location;

use super::{AnyChild, LocalHandle, LocalScope, SendChild};
use crate::scope::Closed;

impl<'env> LocalScope<SendChild<'env>> {
    /// Spawns a child: it is polled by whoever polls the scope. The line of the call is its identity in
    /// events. The handle may be dropped.
    ///
    /// In a scope that is closing, the child is dropped before it begins, and the handle says that it was
    /// cancelled; [`try_spawn`](Self::try_spawn) says so at once.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> LocalHandle<F::Output>
    where
        F: Future<Output: Send + 'env> + Send + 'env,
    {
        let (child, handle) = self.child(Location::caller(), |_| false, future);
        // If it is closed, the handle says so.
        let _ = self.shared.push(Box::pin(child));
        handle
    }

    /// Spawns a child, unless the scope is closing.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the scope does not take children any more; the future is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use backstop::scope::Options;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let scope = Options::new().local();
    /// scope.run(async {
    ///     assert_eq!(scope.try_spawn(async { 7 }).unwrap().await.unwrap(), 7);
    /// })
    /// .await;
    /// assert!(scope.try_spawn(async { 7 }).is_err());
    /// # });
    /// ```
    #[track_caller]
    pub fn try_spawn<F>(&self, future: F) -> Result<LocalHandle<F::Output>, Closed>
    where
        F: Future<Output: Send + 'env> + Send + 'env,
    {
        let (child, handle) = self.child(Location::caller(), |_| false, future);
        self.shared.push(Box::pin(child)).map(|()| handle)
    }

    /// Spawns a child that can fail: an `Err` cancels the scope's token as a panic does. The value goes to
    /// the handle either way.
    #[track_caller]
    pub fn spawn_fallible<F, T, E>(&self, future: F) -> LocalHandle<Result<T, E>>
    where
        F: Future<Output = Result<T, E>> + Send + 'env,
        T: Send + 'env,
        E: Send + 'env,
    {
        let (child, handle) = self.child(Location::caller(), Result::is_err, future);
        let _ = self.shared.push(Box::pin(child));
        handle
    }
}

impl<'env> LocalScope<AnyChild<'env>> {
    /// As for children that are `Send`.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> LocalHandle<F::Output>
    where
        F: Future<Output: 'env> + 'env,
    {
        let (child, handle) = self.child(Location::caller(), |_| false, future);
        // If it is closed, the handle says so.
        let _ = self.shared.push(Box::pin(child));
        handle
    }

    /// As for children that are `Send`.
    ///
    /// # Errors
    ///
    /// As for those.
    #[track_caller]
    pub fn try_spawn<F>(&self, future: F) -> Result<LocalHandle<F::Output>, Closed>
    where
        F: Future<Output: 'env> + 'env,
    {
        let (child, handle) = self.child(Location::caller(), |_| false, future);
        self.shared.push(Box::pin(child)).map(|()| handle)
    }

    /// As for children that are `Send`.
    #[track_caller]
    pub fn spawn_fallible<F, T, E>(&self, future: F) -> LocalHandle<Result<T, E>>
    where
        F: Future<Output = Result<T, E>> + 'env,
        T: 'env,
        E: 'env,
    {
        let (child, handle) = self.child(Location::caller(), Result::is_err, future);
        let _ = self.shared.push(Box::pin(child));
        handle
    }
}
