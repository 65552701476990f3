//! A cleanup of the guard's that climbs higher: the traits that say what may, and its registration.

mod asynchronous;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::action::encoding::Encoded;
use super::action::{Action, Performed, Prepared};
use super::exit::doors::Announcement;
use super::exit::{self, Announced, Cleanup};
use super::root::Root;
use super::survives::{Keepers, Survives};
use crate::Outcome;
use crate::event::{self, Event, EventKind};
use crate::flag::{Flags, State};
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
    fn register(self, announced: Announcement, site: &'static Site, exists: bool) -> Entry;
}

impl<F, R> SurvivesExit for F
where
    F: FnOnce() -> R + Send + 'static,
    R: CleanupValue,
{
    fn register(self, announced: Announcement, site: &'static Site, exists: bool) -> Entry {
        let cleanup = Cleanup::new(move || self().ended());
        Entry { exit: arm(announced.0, site, exists, cleanup), held: None }
    }
}

impl SurvivesExit for Action {
    #[track_caller]
    fn register(self, announced: Announcement, site: &'static Site, exists: bool) -> Entry {
        hold(announced.0, site, Survives::Exit, exists, self)
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
pub fn survive_exit<C>(
    announced: Announcement,
    site: &'static Site,
    exists: bool,
    cleanup: C,
) -> Entry
where
    C: SurvivesExit + Send + 'static,
{
    cleanup.register(announced, site, exists)
}

/// Registers an action with the exit hook and the reaper.
///
/// # Panics
///
/// If the reaper cannot take it, and the thread is not panicking already.
#[track_caller]
#[must_use]
pub fn survive_kill<C: SurvivesKill>(
    announced: Announcement,
    site: &'static Site,
    exists: bool,
    cleanup: C,
) -> Entry {
    hold(announced.0, site, Survives::Kill, exists, cleanup.into())
}

/// Registers an action with the exit hook, the reaper if there is one, and the journal.
///
/// # Panics
///
/// If the journal or the reaper cannot take it, and the thread is not panicking already.
#[track_caller]
#[must_use]
pub fn survive_reboot<C: SurvivesReboot>(
    announced: Announcement,
    site: &'static Site,
    exists: bool,
    cleanup: C,
) -> Entry {
    hold(announced.0, site, Survives::Reboot, exists, cleanup.into())
}

#[track_caller]
fn hold(
    announced: Announced,
    site: &'static Site,
    rung: Survives,
    exists: bool,
    action: Action,
) -> Entry {
    let prepared = action.prepare().and_then(|mut prepared| {
        if exists {
            prepared.commit().map_err(|error| not_told(&error))?;
        }
        Ok(prepared)
    });
    let (own, error) = match prepared {
        // Without an identity it is nobody's to perform: what has the name may be another's.
        Err(error) => (None, error),
        Ok(prepared) => {
            let own = prepared.clone();
            match Keepers::of(rung).and_then(|keepers| Held::new(site, prepared, exists, keepers)) {
                Ok(held) => return Entry::new(announced, exists, held),
                Err(error) => (Held::new(site, own, exists, Keepers::nobody()).ok(), error),
            }
        }
    };
    let message = format!("cannot register a cleanup that survives `{rung}`: {error}");
    if !thread::panicking() {
        // The panic runs no guard of it: there is none yet.
        if let (true, Some(held)) = (exists, own) {
            if let Ended(Some(failure)) = held.perform() {
                tell(site, failure.0);
            }
        }
        // What the caller counted on is not to be had.
        panic!("{message}");
    }
    // A second panic would abort. What is left is this process itself.
    tell(site, message);
    match own {
        Some(held) => Entry::new(announced, exists, held),
        None => {
            Entry { exit: arm(announced, site, exists, Cleanup::new(|| Ended::WELL)), held: None }
        }
    }
}

/// Registers with the exit hook. What does not exist yet is being made from now on.
fn arm(announced: Announced, site: &'static Site, exists: bool, cleanup: Cleanup) -> exit::Entry {
    if exists {
        announced.register(site, cleanup)
    } else {
        announced.register_making(site, cleanup)
    }
}

fn tell(site: &Site, message: String) {
    let outcome = Outcome::Cancel;
    event::emit(&Event::new(EventKind::CleanupFailed, site.name, site.location, outcome, message));
}

/// Without an identity it would be left alone for ever.
fn not_told(error: &io::Error) -> io::Error {
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => {
            "make it first, or put the cleanup on the statement that makes it"
        }
        _ => "nothing would tell it from others, and it is left alone",
    };
    io::Error::new(error.kind(), format!("{error}: {remedy}"))
}

/// Tells registrations apart. Not from zero, which the journal could not tell from what was not
/// written.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// An action that this process owes, and who else knows of it.
struct Held {
    site: &'static Site,
    key: u64,
    owed: Mutex<Owed>,
    keepers: Keepers,
    /// What its paths begin with.
    root: Root,
    /// Whether the keepers have been told how it ended, or are not to be told.
    settled: AtomicBool,
}

struct Owed {
    action: Encoded,
    /// Whether it was performed before its thing was committed, and did nothing: the process is
    /// ending, and did not wait for who makes the thing, and now performs it.
    missed: bool,
}

impl Held {
    /// Tells the keepers. `exists` says whether the action knows its thing already, or its place
    /// only.
    fn new(
        site: &'static Site,
        action: Prepared,
        exists: bool,
        keepers: Keepers,
    ) -> io::Result<Arc<Self>> {
        let key = NEXT.fetch_add(1, Ordering::Relaxed);
        let owed = Mutex::new(Owed { action: Encoded::new(action)?, missed: false });
        // Made first: should the second keeper refuse, the first is told to forget.
        let (root, settled) = (Root::current(), AtomicBool::new(false));
        let held = Self { site, key, owed, keepers, root, settled };
        held.tell(
            |keeper, action| {
                if exists { keeper.commit(key, action) } else { keeper.intend(key, action) }
            },
        )?;
        Ok(Arc::new(held))
    }

    fn owed(&self) -> MutexGuard<'_, Owed> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(
        &self,
        step: impl Fn(&dyn super::keeper::Keeper, &Encoded) -> io::Result<()>,
    ) -> io::Result<()> {
        let owed = self.owed();
        self.keepers.each(|keeper| step(keeper, &owed.action))
    }

    /// Performs it in this process. What fails here is left to the keepers, who try again later.
    fn perform(&self) -> Ended {
        loop {
            let action = self.owed().action.clone();
            let performed = match action.perform() {
                // What was found, or not found, may be nothing of ours.
                Ok(not_done) if not_done != Performed::Done => {
                    self.permit_path(&action).map(|()| not_done)
                }
                performed => performed,
            };
            let missed = !action.is_committed() && !matches!(performed, Ok(Performed::Done));
            if missed {
                let mut owed = self.owed();
                if owed.action.is_committed() {
                    continue;
                }
                owed.missed = true;
            }
            return match performed {
                // The keepers forget with the guard: it may be coming yet.
                Ok(Performed::Gone) if missed => Ended::WELL,
                Ok(Performed::LeftAlone(reason) | Performed::Hidden(reason)) if missed => {
                    left_alone(&reason)
                }
                Ok(Performed::Done | Performed::Gone) => self.settle(&action),
                Ok(Performed::LeftAlone(reason)) => {
                    self.settle(&action);
                    left_alone(&reason)
                }
                // The keepers may come to see it.
                Ok(Performed::Hidden(reason)) => {
                    self.settled.store(true, Ordering::Relaxed);
                    left_alone(&reason)
                }
                Err(error) => {
                    self.settled.store(true, Ordering::Relaxed);
                    Ended::failed(error.to_string())
                }
            };
        }
    }

    /// An error where the calling thread would find another thing by the action's path, or nothing.
    fn permit_path(&self, action: &Prepared) -> io::Result<()> {
        let Some(path) = action.path() else { return Ok(()) };
        self.root.permit("when this was registered").map_err(|error| {
            io::Error::new(error.kind(), format!("{} is left: {error}", path.display()))
        })
    }

    /// Tells the keepers that `action` was performed. A power cut may take back that a thing was removed,
    /// or that somebody else moved it away; what other actions do it does not.
    fn settle(&self, action: &Prepared) -> Ended {
        if action.path().is_some() {
            self.withdraw(|keeper| keeper.done(self.key))
        } else {
            self.forget()
        }
    }

    fn forget(&self) -> Ended {
        self.withdraw(|keeper| keeper.forget(self.key))
    }

    /// Tells every keeper, also those behind one that fails.
    fn withdraw(&self, step: impl Fn(&dyn super::keeper::Keeper) -> io::Result<()>) -> Ended {
        if self.settled.swap(true, Ordering::Relaxed) {
            return Ended::WELL;
        }
        match self.keepers.all(step) {
            Ok(()) => Ended::WELL,
            Err(error) => Ended::failed(format!("cannot withdraw its registration: {error}")),
        }
    }

    /// Says what the thing has become. `note` gives the action its identity.
    fn commit(&self, note: impl FnOnce(&mut Prepared) -> io::Result<()>) -> io::Result<()> {
        let missed = {
            let mut owed = self.owed();
            match owed.action.update(note) {
                // The statement made nothing.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                noted => noted?,
            }
            std::mem::take(&mut owed.missed)
        };
        if missed {
            if let Ended(Some(message)) = self.perform() {
                tell(self.site, message.0);
            }
        }
        if self.settled.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.tell(|keeper, action| keeper.commit(self.key, action))
    }
}

fn left_alone(reason: &str) -> Ended {
    Ended::failed(format!("left alone: {reason}"))
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
    fn new(announced: Announced, exists: bool, held: Arc<Held>) -> Self {
        let performer = Arc::clone(&held);
        let cleanup = Cleanup::new(move || performer.perform());
        Self { exit: arm(announced, held.site, exists, cleanup), held: Some(held) }
    }

    /// Registers an action with `keepers` and the exit hook. `exists` says whether it knows its thing
    /// already, or its place only.
    ///
    /// # Errors
    ///
    /// If a keeper cannot take it.
    pub(crate) fn register(
        site: &'static Site,
        action: Prepared,
        exists: bool,
        keepers: Keepers,
    ) -> io::Result<Self> {
        let announced = exit::announce();
        Ok(Self::new(announced, exists, Held::new(site, action, exists, keepers)?))
    }

    /// Says what the thing has become: where it is now, and its identity.
    ///
    /// # Errors
    ///
    /// If a keeper cannot be told.
    pub(crate) fn update(&self, action: &Prepared) -> io::Result<()> {
        let Some(held) = &self.held else { return Ok(()) };
        held.commit(|own| {
            action.clone_into(own);
            Ok(())
        })
    }

    /// Runs the cleanup, unless the exit hook has taken it, and drops the guarded value behind it.
    pub fn run<T>(self, value: T) -> Ended {
        let Self { exit, held } = self;
        drop(held);
        let ended = exit.run();
        drop(value);
        ended
    }

    /// Leaves the cleanup to the exit hook and the keepers.
    pub(crate) fn leave(self) {
        std::mem::forget(self.exit);
    }

    /// What does not exist yet is made while this lives.
    pub(crate) fn begin(&self) -> exit::Making {
        self.exit.making()
    }

    /// The guarded statement begins, which makes the thing.
    #[must_use]
    pub fn making(&self) -> Making {
        let is_free = |held: &Arc<Held>| !held.owed().action.may_be_there();
        Making {
            is_free: self.held.as_ref().is_some_and(is_free),
            held: self.held.clone(),
            statement: self.exit.making(),
        }
    }
}

/// Notes the identity of what was made, with everyone who keeps the registration.
fn identify(held: Option<&Arc<Held>>) {
    let Some(held) = held else { return };
    if let Err(error) = held.commit(Prepared::commit) {
        let what = "what was made cannot be told from others, and is left alone later";
        tell(held.site, format!("{what}: {error}"));
    }
}

/// A guarded statement that is making a thing. Dropped behind its guard.
pub struct Making {
    held: Option<Arc<Held>>,
    /// Whether nothing had the thing's name when the statement began.
    is_free: bool,
    statement: exit::Making,
}

impl Making {
    /// What says that the thing exists now. `flags` tell how the statement leaves its block, if it
    /// does. Dropped before its guard.
    #[must_use]
    pub fn created<F: Flags>(&self, flags: F) -> Created<'_, F> {
        Created { making: Some(self), flags }
    }

    fn commit(&self) {
        identify(self.held.as_ref());
    }
}

/// Says that a thing exists now.
pub struct Created<'m, F: Flags> {
    making: Option<&'m Making>,
    flags: F,
}

impl<F: Flags> Created<'_, F> {
    /// The statement went well: notes the identity of what was made, with everyone who keeps the
    /// registration.
    pub fn commit(mut self) {
        if let Some(making) = self.making.take() {
            making.commit();
            making.statement.made();
        }
    }
}

/// The statement leaves its block, and the guard comes next. If it leaves it well, what has the name
/// now and had it not before is what it made. After an error or a panic nothing tells.
impl<F: Flags> Drop for Created<'_, F> {
    fn drop(&mut self) {
        let Some(making) = self.making.take().filter(|making| making.is_free) else { return };
        let state = self.flags.replace(State::UNWIND);
        self.flags.restore(state);
        if F::innermost(state).is_marked_success() {
            making.commit();
        }
    }
}
