//! The owner of an `async` cleanup: awaited where its block is left, else handed over.

use std::future::Future;
use std::marker::PhantomData;
use std::mem;

use super::asynchronous::{Apart, value};
use super::{Guard, Held, SharedArmed, runs};
use crate::contain::contain;
use crate::finish::{Chain, Finish, Job};
use crate::flag::{Flags, State};
use crate::report::Ended;
use crate::site::Site;
use crate::traced::Declared;

/// Owns a value and its `async` cleanup. The expansion awaits it with [`begin`](Self::begin); where
/// that is not reached, because the future is dropped or unwinds, or leaves by a way that nobody sees,
/// dropping this hands the cleanup over to the cleanup runtime.
pub struct AwaitedOwner<'c, T, C, B, F: Flags, S, const ON: u8>
where
    T: Send + 'static,
    C: FnOnce(T) -> B + Send + 'static,
    B: Future<Output = Ended> + Send + 'static,
    S: Fn() -> &'static Site,
{
    held: Option<(T, Apart<C>)>,
    armed: Option<&'c SharedArmed>,
    flags: F,
    chain: &'c Chain,
    site: S,
    declared: Declared,
    body: PhantomData<fn() -> B>,
}

impl<'c, T, C, B, F: Flags, S, const ON: u8> AwaitedOwner<'c, T, C, B, F, S, ON>
where
    T: Send + 'static,
    C: FnOnce(T) -> B + Send + 'static,
    B: Future<Output = Ended> + Send + 'static,
    S: Fn() -> &'static Site,
{
    /// Owns `value`.
    pub fn new(
        value: T,
        armed: Option<&'c SharedArmed>,
        flags: F,
        chain: &'c Chain,
        site: S,
        cleanup: C,
    ) -> Self {
        let held = Some((value, Apart(cleanup)));
        let declared = Declared::here();
        Self { held, armed, flags, chain, site, declared, body: PhantomData }
    }

    /// The handle, once.
    ///
    /// # Panics
    ///
    /// If the value is gone, which no expansion can bring about.
    pub fn handle(&mut self) -> Guard<'_, Self> {
        assert!(self.held.is_some(), "the guarded value is gone");
        Guard::new(self)
    }

    /// The cleanup, to be awaited, and what the flags said: should it panic, the blocks around are left
    /// by that panic, so until they are restored the flags say so.
    pub fn begin(&mut self) -> (Finish<'c>, F::States) {
        let before = self.flags.replace(State::UNWIND);
        (self.finish(F::innermost(before)), before)
    }

    fn finish(&mut self, state: State) -> Finish<'c> {
        let job = self.held.take().and_then(|(value, Apart(cleanup))| {
            let site = (self.site)();
            if runs::<ON>(state) && self.armed.is_none_or(SharedArmed::get) {
                let declared = mem::take(&mut self.declared);
                return Some(Job::new(Box::pin(cleanup(value)), site, state, declared));
            }
            // With what the cleanup owns.
            contain(site, state, || {
                drop((value, cleanup));
                Ended::WELL
            });
            None
        });
        Finish::new(job, self.chain)
    }
}

impl<T, C, B, F: Flags, S, const ON: u8> Drop for AwaitedOwner<'_, T, C, B, F, S, ON>
where
    T: Send + 'static,
    C: FnOnce(T) -> B + Send + 'static,
    B: Future<Output = Ended> + Send + 'static,
    S: Fn() -> &'static Site,
{
    fn drop(&mut self) {
        if self.held.is_some() {
            let (finish, before) = self.begin();
            drop(finish);
            self.flags.restore(before);
        }
    }
}

impl<'c, T, C, B, F: Flags, S, const ON: u8> Held for AwaitedOwner<'c, T, C, B, F, S, ON>
where
    T: Send + 'static,
    C: FnOnce(T) -> B + Send + 'static,
    B: Future<Output = Ended> + Send + 'static,
    S: Fn() -> &'static Site,
{
    type Value = T;
    type Ran = Finish<'c>;

    fn get(&self) -> &T {
        value(self.held.as_ref().map(|(value, _)| value))
    }

    fn get_mut(&mut self) -> &mut T {
        value(self.held.as_mut().map(|(value, _)| value))
    }

    fn run_now(&mut self) -> Finish<'c> {
        self.finish(State::SUCCESS)
    }

    fn take(&mut self) -> T {
        value(self.held.take().map(|(value, _)| value))
    }
}
