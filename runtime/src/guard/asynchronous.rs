//! The owner of a cleanup in an `async` function, where every byte is one of the future's.
//!
//! Beside the value and what the cleanup captures it is as large as a reference: the site is a type,
//! not a value, and the value stands in it and not in a slot of its own. Nothing is lost by that: the
//! optimiser keeps no variable of a future in registers over an `.await`.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Guard, Held, Switch, runs};
use crate::contain::contain;
use crate::flag::{Flags, State};
use crate::report::Ended;
use crate::site::Site;

/// Whether the cleanup of a guarded statement is still owed; see [`Armed`](super::Armed).
#[derive(Debug)]
pub struct SharedArmed(AtomicBool);

impl SharedArmed {
    /// Still owed.
    #[inline(always)]
    #[allow(clippy::new_without_default, reason = "named by expansions only")]
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicBool::new(true))
    }

    /// Whether it is still owed.
    #[inline(always)]
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Switch for SharedArmed {
    #[inline(always)]
    fn disarm(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// What is reached through `&mut self` only, so that to share it means nothing.
pub(super) struct Apart<C>(pub(super) C);

// SAFETY: there is no way from `&Apart<C>` to the `C` in it: the field is read by value only, by the
// owners in this module and beside it, out of an `Option` that they hold by `&mut`.
#[allow(unsafe_code, reason = "a future that holds a shared reference to a handle stays `Send`")]
unsafe impl<C> Sync for Apart<C> {}

/// Owns a value and its cleanup, which runs at the latest when this is dropped; see
/// [`Owner`](super::Owner).
pub struct AsyncOwner<T, C, F: Flags, S, const ON: u8>
where
    C: FnOnce(T) -> Ended,
    S: Fn() -> &'static Site,
{
    held: Option<(T, Apart<C>)>,
    flags: F,
    site: S,
}

impl<T, C, F: Flags, S, const ON: u8> AsyncOwner<T, C, F, S, ON>
where
    C: FnOnce(T) -> Ended,
    S: Fn() -> &'static Site,
{
    /// Owns `value`.
    #[inline(always)]
    pub fn new(value: T, flags: F, site: S, cleanup: C) -> Self {
        Self { held: Some((value, Apart(cleanup))), flags, site }
    }

    /// The handle, once.
    ///
    /// # Panics
    ///
    /// If the value is gone, which no expansion can bring about.
    #[inline(always)]
    pub fn handle(&mut self) -> Guard<'_, Self> {
        assert!(self.held.is_some(), "the guarded value is gone");
        Guard::new(self)
    }

    #[inline]
    fn run(&mut self, state: State) {
        let Some((value, Apart(cleanup))) = self.held.take() else { return };
        contain((self.site)(), state, || {
            if runs::<ON>(state) {
                cleanup(value)
            } else {
                drop(value);
                Ended::WELL
            }
        });
    }
}

impl<T, C, F: Flags, S, const ON: u8> Drop for AsyncOwner<T, C, F, S, ON>
where
    C: FnOnce(T) -> Ended,
    S: Fn() -> &'static Site,
{
    #[inline]
    fn drop(&mut self) {
        // As in `Owner`.
        let before = self.flags.replace(State::UNWIND);
        self.run(F::innermost(before));
        self.flags.restore(before);
    }
}

impl<T, C, F: Flags, S, const ON: u8> Held for AsyncOwner<T, C, F, S, ON>
where
    C: FnOnce(T) -> Ended,
    S: Fn() -> &'static Site,
{
    type Value = T;
    type Ran = ();

    #[inline]
    fn get(&self) -> &T {
        value(self.held.as_ref().map(|(value, _)| value))
    }

    #[inline]
    fn get_mut(&mut self) -> &mut T {
        value(self.held.as_mut().map(|(value, _)| value))
    }

    #[inline]
    fn run_now(&mut self) {
        self.run(State::SUCCESS);
    }

    #[inline]
    fn take(&mut self) -> T {
        value(self.held.take().map(|(value, _)| value))
    }
}

/// The value, which is there by the contract of [`Held`].
#[inline(always)]
pub(super) fn value<T>(value: Option<T>) -> T {
    value.unwrap_or_else(|| unreachable!("the guarded value is gone"))
}
