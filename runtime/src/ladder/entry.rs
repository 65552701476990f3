//! A cleanup of the guard's that climbs higher: the traits that say what may, and its registration.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::action::{Action, Performed, Prepared};
use super::keeper::Keeper;
use super::{exit, journal, reaper};
use crate::Outcome;
use crate::event::{self, Event, EventKind};
use crate::report::{CleanupValue, Ended};
use crate::site::Site;

/// What may be the value of a cleanup that survives `exit`.
#[diagnostic::on_unimplemented(
    message = "a cleanup that survives `exit` must be a closure or an `Action`, and this is `{Self}`",
    label = "expected `move || ..` or an `Action`",
    note = "with `survives = exit` the expression is evaluated at once, and its value is what runs \
            later: write `move || EXPR`, or `Action::remove_dir_all(path)`"
)]
pub trait SurvivesExit {
    /// Registers it.
    #[doc(hidden)]
    fn register(self, site: &'static Site, exists: bool) -> Entry;
}

impl<F, R> SurvivesExit for F
where
    F: FnOnce() -> R + Send + 'static,
    R: CleanupValue,
{
    fn register(self, site: &'static Site, _exists: bool) -> Entry {
        let exit = exit::register(site, Box::new(move || self().ended()));
        Entry { exit, held: None }
    }
}

impl SurvivesExit for Action {
    #[track_caller]
    fn register(self, site: &'static Site, exists: bool) -> Entry {
        hold(site, "exit", exists, self, || Ok(Keepers::default()))
    }
}

/// What may be the value of a cleanup that survives `kill`.
#[diagnostic::on_unimplemented(
    message = "a cleanup that survives `kill` must be an `Action`, and this is `{Self}`",
    label = "expected an `Action`",
    note = "another process performs it, and cannot run code of this one: write \
            `Action::remove_dir_all(path)` or another `Action`, or `survives = exit` for a closure"
)]
pub trait SurvivesKill: Into<Action> {}

impl SurvivesKill for Action {}

/// What may be the value of a cleanup that survives `reboot`.
#[diagnostic::on_unimplemented(
    message = "a cleanup that survives `reboot` must be an `Action`, and this is `{Self}`",
    label = "expected an `Action`",
    note = "the next start performs it, and cannot run code of this one: write \
            `Action::remove_dir_all(path)` or another `Action`, or `survives = exit` for a closure"
)]
pub trait SurvivesReboot: Into<Action> {}

impl SurvivesReboot for Action {}

/// Registers a cleanup with the exit hook. `exists` says whether what it removes is there already.
#[track_caller]
#[must_use]
pub fn survive_exit<C>(site: &'static Site, exists: bool, cleanup: C) -> Entry
where
    C: SurvivesExit + Send + 'static,
{
    cleanup.register(site, exists)
}

/// Registers an action with the exit hook and the reaper.
///
/// # Panics
///
/// If the reaper cannot take it, and the thread is not panicking already.
#[track_caller]
#[must_use]
pub fn survive_kill<C: SurvivesKill>(site: &'static Site, exists: bool, cleanup: C) -> Entry {
    hold(site, "kill", exists, cleanup.into(), || {
        let reaper = reaper::keeper().ok_or_else(|| {
            io::Error::other(
                "no reaper is running: write `#[backstop::main(reaper)]`, or call \
                 `backstop::reaper::start()` first",
            )
        })?;
        Ok(Keepers([Some(reaper), None]))
    })
}

/// Registers an action with the exit hook, the reaper if there is one, and the journal.
///
/// # Panics
///
/// If the journal or the reaper cannot take it, and the thread is not panicking already.
#[track_caller]
#[must_use]
pub fn survive_reboot<C: SurvivesReboot>(site: &'static Site, exists: bool, cleanup: C) -> Entry {
    hold(site, "reboot", exists, cleanup.into(), || {
        let journal = journal::keeper().ok_or_else(|| {
            io::Error::other(
                "no journal is open: write `#[backstop::main(journal)]`, or call \
                 `backstop::recover()` first",
            )
        })?;
        Ok(Keepers([reaper::keeper(), Some(journal)]))
    })
}

#[track_caller]
fn hold(
    site: &'static Site,
    rung: &'static str,
    exists: bool,
    action: Action,
    keepers: impl FnOnce() -> io::Result<Keepers>,
) -> Entry {
    let mut prepared = match action.prepare() {
        Ok(prepared) => prepared,
        Err(error) => {
            refuse(site, rung, &error);
            return Entry { exit: exit::register(site, Box::new(|| Ended::WELL)), held: None };
        }
    };
    let key = NEXT.fetch_add(1, Ordering::Relaxed);
    let kept = keepers().and_then(|keepers| {
        if exists {
            commit(&mut prepared)?;
            keepers.each(|keeper| keeper.commit(key, &prepared))?;
        } else {
            keepers.each(|keeper| keeper.intend(key, &prepared))?;
        }
        Ok(keepers)
    });
    let keepers = kept.unwrap_or_else(|error| {
        refuse(site, rung, &error);
        Keepers::default()
    });
    let held = Arc::new(Held {
        site,
        key,
        action: Mutex::new(prepared),
        keepers,
        settled: AtomicBool::new(false),
    });
    let performer = Arc::clone(&held);
    Entry { exit: exit::register(site, Box::new(move || performer.perform())), held: Some(held) }
}

/// What the caller counted on is not to be had: a panic keeps it from going on.
#[track_caller]
fn refuse(site: &Site, rung: &str, error: &io::Error) {
    let message = format!("cannot register a cleanup that survives `{rung}`: {error}");
    // A second panic would abort.
    assert!(thread::panicking(), "{message}");
    tell(site, message);
}

fn tell(site: &Site, message: String) {
    let outcome = Outcome::Cancel;
    event::emit(&Event::new(EventKind::CleanupFailed, site.name, site.location, outcome, message));
}

/// Notes the identity of what exists. What does not exist has none, and is found gone later.
fn commit(prepared: &mut Prepared) -> io::Result<()> {
    match prepared.commit() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Tells registrations apart.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The keepers of one registration, the nearest first.
#[derive(Default)]
struct Keepers([Option<&'static dyn Keeper>; 2]);

impl Keepers {
    fn each(&self, step: impl Fn(&dyn Keeper) -> io::Result<()>) -> io::Result<()> {
        self.0.iter().flatten().try_for_each(|keeper| step(*keeper))
    }
}

/// An action that this process owes, and who else knows of it.
struct Held {
    site: &'static Site,
    key: u64,
    action: Mutex<Prepared>,
    keepers: Keepers,
    /// Whether the keepers have been told how it ended, or are not to be told.
    settled: AtomicBool,
}

impl Held {
    /// Performs it in this process. What fails here is left to the keepers, who try again later.
    fn perform(&self) -> Ended {
        let action = self.action.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match action.perform() {
            Ok(Performed::Done | Performed::Gone) => self.forget(),
            Ok(Performed::LeftAlone(reason)) => {
                self.forget();
                Ended::failed(format!("left alone: {reason}"))
            }
            Err(error) => {
                self.settled.store(true, Ordering::Relaxed);
                Ended::failed(error.to_string())
            }
        }
    }

    /// Tells every keeper, also those behind one that fails.
    fn forget(&self) -> Ended {
        if self.settled.swap(true, Ordering::Relaxed) {
            return Ended::WELL;
        }
        let mut ended = Ended::WELL;
        for keeper in self.keepers.0.iter().flatten() {
            if let Err(error) = keeper.forget(self.key) {
                ended = Ended::failed(format!("cannot withdraw its registration: {error}"));
            }
        }
        ended
    }

    fn commit(&self) -> io::Result<()> {
        let mut action = self.action.lock().unwrap_or_else(PoisonError::into_inner);
        commit(&mut action)?;
        self.keepers.each(|keeper| keeper.commit(self.key, &action))
    }
}

/// A withdrawn registration: nobody performed it.
impl Drop for Held {
    fn drop(&mut self) {
        if let Ended(Some(message)) = self.forget() {
            tell(self.site, message.0);
        }
    }
}

/// A registered cleanup, as its guard owns it. Dropping it withdraws the cleanup.
pub struct Entry {
    exit: exit::Entry,
    held: Option<Arc<Held>>,
}

impl Entry {
    /// Runs the cleanup, unless the exit hook has taken it, and drops the guarded value behind it.
    pub fn run<T>(self, value: T) -> Ended {
        let Self { exit, held } = self;
        drop(held);
        let ended = exit.run();
        drop(value);
        ended
    }

    /// What to tell once the guarded statement has made the thing.
    #[must_use]
    pub fn created(&self) -> Created {
        Created(self.held.clone())
    }
}

/// Says that a thing exists now.
pub struct Created(Option<Arc<Held>>);

impl Created {
    /// Notes the identity of what was made, with everyone who keeps the registration.
    pub fn commit(self) {
        let Some(held) = self.0 else { return };
        if let Err(error) = held.commit() {
            tell(
                held.site,
                format!("cannot tell it from others later, so it is left alone then: {error}"),
            );
        }
    }
}
