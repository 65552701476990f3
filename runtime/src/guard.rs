//! The guard of a `#[cleanup]`: a hidden owner that runs it, and the handle bound to the name.

mod asynchronous;
mod awaited;

use std::cell::Cell;
use std::fmt;
use std::future::{Future, Ready, ready};
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};

use crate::Outcome;
use crate::contain::contain;
use crate::flag::{Flags, State};
use crate::report::Ended;
use crate::site::Site;

pub use self::asynchronous::{AsyncOwner, SharedArmed};
pub use self::awaited::AwaitedOwner;

/// Room for a guarded value, apart from the [`Owner`]: user code holds the value's address, and
/// the optimiser would reload control data that lies beside it after every call.
#[derive(Debug)]
pub struct Slot<T>(MaybeUninit<T>);

impl<T> Slot<T> {
    /// Empty room.
    #[inline(always)]
    #[allow(clippy::new_without_default, reason = "named by expansions only")]
    #[must_use]
    pub const fn new() -> Self {
        Self(MaybeUninit::uninit())
    }
}

/// The switch of a guarded statement's cleanup, on until the statement fails.
pub trait Switch {
    /// Calls the cleanup off.
    fn disarm(&self);
}

/// Whether the cleanup of a guarded statement is still owed.
#[derive(Debug)]
pub struct Armed(Cell<bool>);

impl Armed {
    /// Still owed.
    #[inline(always)]
    #[allow(clippy::new_without_default, reason = "named by expansions only")]
    #[must_use]
    pub const fn new() -> Self {
        Self(Cell::new(true))
    }

    /// Whether it is still owed.
    #[inline(always)]
    pub fn get(&self) -> bool {
        self.0.get()
    }
}

impl Switch for Armed {
    #[inline(always)]
    fn disarm(&self) {
        self.0.set(false);
    }
}

/// Owns a value and its cleanup, which runs at the latest when this is dropped.
///
/// `ON` is the set of outcomes that the cleanup runs for, one bit each. `flags` are those of the
/// block that the guard stands in and, behind it, of the blocks around that.
///
/// Invariant: `slot` holds a value exactly while `cleanup` is `Some`.
pub struct Owner<'s, T, C, F: Flags, const ON: u8>
where
    C: FnOnce(T) -> Ended,
{
    slot: &'s mut MaybeUninit<T>,
    cleanup: Option<C>,
    flags: F,
    site: &'static Site,
    end: End<T, C>,
}

/// Runs a cleanup on the value in the slot. Called through a pointer for the optimiser's sake:
///
/// The destructor of a type is a function of the compiler's own that no attribute reaches. LLVM
/// inlines it by its size, and in landing pads, which it takes for cold, by less than a call or two.
/// Left as a call in but one of them, it would keep the whole owner in memory. With the pointer it
/// is small enough to be inlined everywhere; then LLVM sees where the pointer leads.
type End<T, C> = unsafe fn(&mut MaybeUninit<T>, C, State, &'static Site);

impl<'s, T, C, F: Flags, const ON: u8> Owner<'s, T, C, F, ON>
where
    C: FnOnce(T) -> Ended,
{
    /// Puts `value` into the slot and owns it there.
    #[inline(always)]
    pub fn new(slot: &'s mut Slot<T>, value: T, flags: F, site: &'static Site, cleanup: C) -> Self {
        slot.0.write(value);
        Self { slot: &mut slot.0, cleanup: Some(cleanup), flags, site, end: end::<T, C, ON> }
    }

    /// The handle, once.
    ///
    /// # Panics
    ///
    /// If the value is gone, which no expansion can bring about.
    #[inline(always)]
    pub fn handle(&mut self) -> Guard<'_, Self> {
        assert!(self.cleanup.is_some(), "the guarded value is gone");
        Guard::new(self)
    }

    #[inline(always)]
    fn run(&mut self, state: State) {
        let Some(cleanup) = self.cleanup.take() else { return };
        // SAFETY: by the invariant `slot` holds the value that `new` wrote: `cleanup` was `Some`
        // until this very call, and is `None` from now on, so that nothing reads the slot again.
        #[allow(unsafe_code, reason = "a value apart from its control data, see `Slot`")]
        unsafe {
            (self.end)(self.slot, cleanup, state, self.site);
        }
    }
}

impl<T, C, F: Flags, const ON: u8> Drop for Owner<'_, T, C, F, ON>
where
    C: FnOnce(T) -> Ended,
{
    #[inline(always)]
    fn drop(&mut self) {
        // Should the cleanup panic, all these blocks are left by that panic.
        let before = self.flags.replace(State::UNWIND);
        // The block is being left, so the innermost flag is its own.
        self.run(F::innermost(before));
        self.flags.restore(before);
    }
}

impl<T, C, F: Flags, const ON: u8> Held for Owner<'_, T, C, F, ON>
where
    C: FnOnce(T) -> Ended,
{
    type Value = T;
    type Ran = ();

    #[inline(always)]
    #[allow(unsafe_code, reason = "a value apart from its control data, see `Slot`")]
    fn get(&self) -> &T {
        // SAFETY: by the trait's contract the value is there, and so by the invariant in the slot.
        unsafe { self.slot.assume_init_ref() }
    }

    #[inline(always)]
    #[allow(unsafe_code, reason = "a value apart from its control data, see `Slot`")]
    fn get_mut(&mut self) -> &mut T {
        // SAFETY: as in `get`.
        unsafe { self.slot.assume_init_mut() }
    }

    #[inline(always)]
    fn run_now(&mut self) {
        self.run(State::SUCCESS);
    }

    #[inline(always)]
    fn take(&mut self) -> T {
        // A handle is only made while the value is there, and consumed where it goes.
        assert!(self.cleanup.take().is_some(), "the guarded value is gone");
        // SAFETY: as in `Owner::run`.
        #[allow(unsafe_code, reason = "a value apart from its control data, see `Slot`")]
        unsafe {
            self.slot.assume_init_read()
        }
    }
}

// SAFETY: a shared owner, which only a shared handle leads to, gives out `&T` and nothing else. The
// cleanup and the flags, which keep it from being `Sync` by itself, are reached through `&mut self`
// or by value only.
#[allow(unsafe_code, reason = "threads in a scope may share what is guarded")]
unsafe impl<T: Sync, C, F: Flags, const ON: u8> Sync for Owner<'_, T, C, F, ON> where
    C: FnOnce(T) -> Ended
{
}

/// # Safety
///
/// `slot` holds a value, which nobody reads again.
#[inline(always)]
#[allow(unsafe_code, reason = "a value apart from its control data, see `Slot`")]
unsafe fn end<T, C, const ON: u8>(
    slot: &mut MaybeUninit<T>,
    cleanup: C,
    state: State,
    site: &'static Site,
) where
    C: FnOnce(T) -> Ended,
{
    contain(site, state, || {
        // SAFETY: the caller's promise.
        let value = unsafe { slot.assume_init_read() };
        if runs::<ON>(state) {
            cleanup(value)
        } else {
            drop(value);
            Ended::WELL
        }
    });
}

/// Whether a cleanup for the outcomes `ON` is owed on this one.
#[inline(always)]
fn runs<const ON: u8>(state: State) -> bool {
    ON == ALWAYS || ON & bit(state.outcome()) != 0
}

/// Every outcome.
const ALWAYS: u8 = 15;

/// The bit of an outcome in `ON`. The macro writes the same bits.
#[inline(always)]
const fn bit(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Success => 1,
        Outcome::Error => 2,
        Outcome::Unwind => 4,
        Outcome::Cancel => 8,
    }
}

/// The handle that `#[cleanup]` binds to the name of its `let`.
///
/// It dereferences to the guarded value. The cleanup belongs to the block, not to the handle:
/// whatever is done with the handle, moved, forgotten or rebound, the cleanup runs when the block
/// ends, unless [`Guard::run`] ran it or [`Guard::dismiss`] called it off before. In a function
/// under `#[must_cleanup]`, `drop(name)` means `Guard::run(name)`.
///
/// Its generic parameters are the macro's business; name the type only by inference.
///
/// # Examples
///
/// ```
/// use backstop::{Guard, must_cleanup};
/// use std::cell::Cell;
///
/// #[must_cleanup]
/// fn counted(open: &Cell<u32>, keep: bool) -> Option<String> {
///     #[cleanup({ open.set(open.get() - 1); drop(name); })]
///     let name = { open.set(open.get() + 1); String::from("session") };
///     assert_eq!(name.len(), 7);
///     keep.then(|| Guard::dismiss(name))
/// }
///
/// let open = Cell::new(0);
/// assert_eq!(counted(&open, false), None);
/// assert_eq!(open.get(), 0);
/// assert_eq!(counted(&open, true).as_deref(), Some("session"));
/// assert_eq!(open.get(), 1);
/// ```
pub struct Guard<'g, O> {
    owner: &'g mut O,
}

/// Who owns a guarded value, as its one handle sees it.
///
/// Contract: `get`, `get_mut`, `run_now` and `take` are called while the value is there: through a
/// handle, which is made while it is and used up by the last two.
pub trait Held {
    /// The guarded value.
    type Value;
    /// What running the cleanup gives: nothing, or the future of one that is to be awaited.
    type Ran;
    /// The value.
    fn get(&self) -> &Self::Value;
    /// The value.
    fn get_mut(&mut self) -> &mut Self::Value;
    /// Runs the cleanup, as a success.
    fn run_now(&mut self) -> Self::Ran;
    /// Gives the value up, and its cleanup.
    fn take(&mut self) -> Self::Value;
}

impl<'g, O: Held> Guard<'g, O> {
    #[inline(always)]
    fn new(owner: &'g mut O) -> Self {
        Self { owner }
    }

    /// Runs the cleanup here, as [`Outcome::Success`]: one that is not declared for successes does
    /// not run, and the value is dropped.
    ///
    /// For an `async` cleanup this gives its future: `Guard::run(name).await`.
    ///
    /// # Panics
    ///
    /// If the cleanup panics and the thread is not unwinding already.
    #[inline(always)]
    #[allow(clippy::needless_pass_by_value, reason = "the handle is used up")]
    #[allow(clippy::must_use_candidate, reason = "a sync cleanup gives nothing, a future says so")]
    pub fn run(this: Self) -> O::Ran {
        this.owner.run_now()
    }

    /// Returns the value; its cleanup will not run.
    ///
    /// # Panics
    ///
    /// Never.
    #[inline(always)]
    #[must_use = "the value has no cleanup any more"]
    #[allow(clippy::needless_pass_by_value, reason = "the handle is used up")]
    pub fn dismiss(this: Self) -> O::Value {
        this.owner.take()
    }
}

impl<O: Held> Deref for Guard<'_, O> {
    type Target = O::Value;

    #[inline(always)]
    fn deref(&self) -> &O::Value {
        self.owner.get()
    }
}

impl<O: Held> DerefMut for Guard<'_, O> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut O::Value {
        self.owner.get_mut()
    }
}

impl<O: Held> fmt::Debug for Guard<'_, O>
where
    O::Value: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<O: Held> fmt::Display for Guard<'_, O>
where
    O::Value: fmt::Display,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The argument of a `drop(name)` whose name may be a handle's: method resolution decides by type.
#[derive(Debug)]
pub struct Dropped<T>(T);

/// Wraps the argument of a `drop(name)`.
#[inline(always)]
pub const fn dropped<T>(value: T) -> Dropped<T> {
    Dropped(value)
}

impl<O: Held> Dropped<Guard<'_, O>> {
    /// Runs the cleanup.
    #[inline(always)]
    #[allow(clippy::must_use_candidate, reason = "a sync cleanup gives nothing, a future says so")]
    pub fn now(self) -> O::Ran {
        Guard::run(self.0)
    }

    /// The same, for a cleanup that is to be awaited.
    #[inline]
    #[allow(clippy::must_use_candidate, reason = "a future says so")]
    pub fn awaited(self) -> O::Ran
    where
        O::Ran: Future,
    {
        Guard::run(self.0)
    }
}

/// Everything that is not a handle, as where the name was bound anew.
pub trait DroppedOther {
    /// Drops it.
    fn now(self);
    /// Drops it, where a cleanup might have been to be awaited.
    fn awaited(self) -> Ready<()>;
}

impl<T> DroppedOther for Dropped<T> {
    #[inline(always)]
    fn now(self) {
        drop(self.0);
    }

    #[inline]
    fn awaited(self) -> Ready<()> {
        drop(self.0);
        ready(())
    }
}

/// The value of a `#[cleanup]` that was refused: what the handle would be to the type checker.
#[derive(Debug)]
pub struct Refused<T>(T);

/// Wraps it.
pub const fn refused<T>(value: T) -> Refused<T> {
    Refused(value)
}

impl<T: fmt::Display> fmt::Display for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T> Deref for Refused<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Refused<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
