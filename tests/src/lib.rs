//! What several behaviour tests need: a log of effects, caught panics, the events of one cleanup.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, Mutex};

use backstop::Event;

pub mod gate;
pub mod part;

/// What happened, in order. A cleanup can write to it while the function around it does.
#[derive(Debug, Default)]
pub struct Log(RefCell<Vec<String>>);

impl Log {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes an entry.
    pub fn note(&self, entry: impl Into<String>) {
        self.0.borrow_mut().push(entry.into());
    }

    /// Writes an entry and succeeds.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn noted(&self, entry: &str) -> Result<(), String> {
        self.note(entry);
        Ok(())
    }

    /// Takes all entries, separated by spaces.
    #[must_use]
    pub fn take(&self) -> String {
        self.0.take().join(" ")
    }
}

/// A value that writes to the log when it is dropped.
#[derive(Debug)]
pub struct Noisy<'a>(pub &'a Log, pub &'static str);

impl Noisy<'_> {
    /// Its name.
    #[allow(clippy::must_use_candidate, reason = "a statement may want no more than the temporary")]
    pub fn name(&self) -> &'static str {
        self.1
    }

    /// The length of its name, for expressions that need a number of a temporary.
    #[must_use]
    pub fn len(&self) -> usize {
        self.1.len()
    }

    /// Whether its name is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.1.is_empty()
    }
}

impl Drop for Noisy<'_> {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

/// Runs `f`, and gives the message of its panic if it panics.
///
/// # Errors
///
/// The message of the panic, `"?"` where it is no string.
pub fn caught<R>(f: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        let text = payload.downcast_ref::<&'static str>().map(|text| (*text).to_owned());
        let message = text.or_else(|| payload.downcast_ref::<String>().cloned());
        message.unwrap_or_else(|| "?".to_owned())
    })
}

/// Runs `f` in a destructor that an unwind runs, and gives what it gave. Its own panics are caught
/// in that destructor.
///
/// # Errors
///
/// The message of its panic, as [`caught`] gives it.
///
/// # Panics
///
/// If `f` did not run.
pub fn during_unwind<R>(f: impl FnOnce() -> R) -> Result<R, String> {
    struct InDrop<F: FnMut()>(F);
    impl<F: FnMut()> Drop for InDrop<F> {
        fn drop(&mut self) {
            assert!(std::thread::panicking());
            (self.0)();
        }
    }

    let mut result = None;
    let mut f = Some(f);
    let unwound = caught(|| {
        let _in_drop = InDrop(|| result = f.take().map(caught));
        panic!("the unwind around");
    });
    assert_eq!(unwound, Err("the unwind around".to_owned()));
    result.expect("the destructor ran")
}

static EVENTS: LazyLock<Mutex<Vec<Event>>> = LazyLock::new(|| {
    backstop::set_observer(|event| EVENTS.lock().unwrap().push(event.clone()));
    Mutex::default()
});

/// Runs `f`, and gives the events that this thread emitted meanwhile, with the result.
///
/// # Panics
///
/// If another thread panicked while it recorded an event.
pub fn with_events<R>(f: impl FnOnce() -> R) -> (R, Vec<Event>) {
    LazyLock::force(&EVENTS);
    let thread = std::thread::current().id();
    EVENTS.lock().unwrap().retain(|event| event.thread != thread);
    let result = f();
    let events = EVENTS.lock().unwrap();
    (result, events.iter().filter(|event| event.thread == thread).cloned().collect())
}
