//! What a scope and its children know in common, apart from anything that borrows.

use std::any::Any;
use std::mem;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::PoisonError;
use std::thread::{self, Thread};

use super::{Name, OnFailure, Options};
use crate::event::{self, Event, EventKind};
use crate::sync::{Condvar, Mutex, MutexGuard};
use crate::{CancelCause, CancelToken, Outcome};

/// A child or the body, as events name it.
#[derive(Clone, Copy)]
pub(super) struct Site {
    /// `None` for the body.
    id: Option<u64>,
    location: &'static Location<'static>,
}

impl Site {
    pub(super) const fn body(location: &'static Location<'static>) -> Self {
        Self { id: None, location }
    }

    pub(super) const fn child(id: u64, location: &'static Location<'static>) -> Self {
        Self { id: Some(id), location }
    }
}

/// A panic that nobody has taken yet.
pub(super) struct Panicked {
    site: Site,
    thread: Thread,
    payload: Box<dyn Any + Send>,
    /// No handle is left that could take it.
    pub(super) settled: bool,
}

impl Panicked {
    pub(super) fn into_payload(self) -> Box<dyn Any + Send> {
        self.payload
    }

    /// Tells the observer, and drops the payload.
    #[cold]
    pub(super) fn report(self) {
        if event::is_exit(&*self.payload) {
            return event::discard(self.payload);
        }
        let name = match self.site.id {
            None => "<body>",
            Some(_) => self.thread.name().unwrap_or("<unnamed>"),
        };
        let message = event::panic_message(&*self.payload);
        let mut event = Event::new(
            EventKind::ChildPanicked,
            name,
            self.site.location,
            Outcome::Unwind,
            message,
        );
        event.thread = self.thread.id();
        event.thread_name = self.thread.name().map(str::to_owned);
        event::emit(&event);
        event::discard(self.payload);
    }
}

pub(super) struct Shared {
    /// Where the scope was opened.
    location: &'static Location<'static>,
    token: CancelToken,
    on_failure: OnFailure,
    name: Option<Name>,
    limit: Option<NonZero<usize>>,
    state: Mutex<State>,
    place_free: Condvar,
}

#[derive(Default)]
struct State {
    /// Places taken; not counted where there is no limit.
    running: usize,
    /// Threads that wait for a place; to wake nobody is a system call all the same.
    waiting: usize,
    /// Children whose threads are all but gone, to be joined.
    finished: Vec<u64>,
    /// In the order of their time.
    panics: Vec<Panicked>,
}

impl Shared {
    pub(super) fn new(options: &Options, location: &'static Location<'static>) -> Self {
        Self {
            location,
            token: options.token(),
            on_failure: options.on_failure,
            name: options.name.clone(),
            limit: options.limit,
            state: Mutex::default(),
            place_free: Condvar::new(),
        }
    }

    /// The name of children that have none of their own.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn token(&self) -> &CancelToken {
        &self.token
    }

    pub(super) fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// Takes a place if one is free.
    pub(super) fn try_take_place(&self) -> bool {
        let mut state = self.state();
        let free = self.is_free(&state);
        state.running += usize::from(free);
        free
    }

    /// Blocks until a place is free, and takes it.
    pub(super) fn take_place(&self) {
        let mut state = self.state();
        state.waiting += 1;
        while !self.is_free(&state) {
            state = self.place_free.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting -= 1;
        state.running += 1;
    }

    pub(super) fn give_place_back(&self) {
        let mut state = self.state();
        state.running -= 1;
        let wake = state.waiting > 0;
        drop(state);
        if wake {
            self.place_free.notify_one();
        }
    }

    fn is_free(&self, state: &State) -> bool {
        self.limit.is_none_or(|limit| state.running < limit.get())
    }

    /// A child's thread is all but gone.
    pub(super) fn finished(&self, id: u64) {
        self.state().finished.push(id);
    }

    pub(super) fn take_finished(&self) -> Vec<u64> {
        mem::take(&mut self.state().finished)
    }

    /// A child has failed, or the body has.
    pub(super) fn failed(&self) {
        if self.on_failure == OnFailure::Cancel {
            self.token.cancel_at(CancelCause::SiblingFailed, self.location);
        }
    }

    /// Keeps a panic that no handle can take, which is a failure, too.
    #[cold]
    pub(super) fn panicked(&self, site: Site, thread: &Thread, payload: Box<dyn Any + Send>) {
        self.keep(site, thread, payload, true);
        self.failed();
    }

    /// Keeps a panic that a handle may take, unless it has [gone](Self::settle).
    #[cold]
    pub(super) fn keep_for_handle(&self, site: Site, payload: Box<dyn Any + Send>) {
        self.keep(site, &thread::current(), payload, false);
    }

    fn keep(&self, site: Site, thread: &Thread, payload: Box<dyn Any + Send>, settled: bool) {
        let panicked = Panicked { site, thread: thread.clone(), payload, settled };
        let mut state = self.state();
        if !(settled && state.has_settled_panic(state.panics.len())) {
            state.panics.push(panicked);
            return;
        }
        drop(state);
        panicked.report();
    }

    /// The handle of a child that panicked is gone, and did not take the payload.
    ///
    /// The first such panic is to be resumed. Later ones are reported as soon as that is known: a
    /// scope may run for as long as its program.
    #[cold]
    pub(super) fn settle(&self, id: u64) {
        let mut state = self.state();
        let Some(index) = state.position(id) else { return };
        let late = if state.has_settled_panic(index) {
            Some(state.panics.remove(index))
        } else {
            state.panics[index].settled = true;
            None
        };
        drop(state);
        if let Some(late) = late {
            late.report();
        }
    }

    /// The payload of a child, for its handle.
    pub(super) fn take_panic(&self, id: u64) -> Option<Box<dyn Any + Send>> {
        let mut state = self.state();
        let index = state.position(id)?;
        Some(state.panics.remove(index).into_payload())
    }

    /// What is left at the end, first the one to be resumed.
    pub(super) fn take_panics(&self) -> Vec<Panicked> {
        mem::take(&mut self.state().panics)
    }

    /// Drops the result of a child; a panicking destructor is a panic of that child.
    ///
    /// During an unwind, the panic that causes it was first: the destructor's is only reported.
    pub(super) fn drop_result<T>(&self, site: Site, thread: &Thread, result: T) {
        let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(result))) else { return };
        if thread::panicking() {
            Panicked { site, thread: thread.clone(), payload, settled: true }.report();
            self.failed();
        } else {
            self.panicked(site, thread, payload);
        }
    }

    /// Held over none of the user's code, so never poisoned; `into_inner` for form's sake.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn position(&self, id: u64) -> Option<usize> {
        self.panics.iter().position(|panicked| panicked.site.id == Some(id))
    }

    /// Whether a panic before `end` is one that nobody can take any more.
    fn has_settled_panic(&self, end: usize) -> bool {
        self.panics[..end].iter().any(|panicked| panicked.settled)
    }
}
