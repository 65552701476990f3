//! The journal: registrations on disk, performed by a later start of the program if nothing else
//! did.
//!
//! One directory for an application ([`place`]), in it one file for each running process: its
//! [`segment`], which the process keeps locked for as long as it lives. [`record`] and [`image`] say
//! what the bytes mean, [`group`] writes them for all threads, [`replay`] reads what others left.
//!
//! **Who is gone** is decided by the [`lock`], an flock: the kernel gives it up however the process
//! ends, not before, and tells the truth across containers. Descriptors are closed on `exec`. A
//! process that was forked and lives on without `exec` keeps the lock, as it may use what is
//! registered: its parent's segment waits for it. Closing all descriptors does not end it. The same
//! process still running the same program without the lock, which a network filesystem may lose, is
//! taken for alive.
//!
//! **Whose rights** the actions are performed with is not in a segment: they are those of the next
//! start. So a process that runs as another user or group than when it opened the journal registers
//! nothing more ([`rights`](super::rights)): root's next start would do what it could not do itself. It
//! withdraws. A thread that has given up other rights registers no program.
//!
//! **What the paths mean** depends on the root directory: once this process has another one, by `chroot`
//! for one, it registers nothing more. And it depends on the mount namespace, whose number is another one after each
//! start of a container or a sandboxed service, may be given to another namespace then, and says
//! nothing after a restart of the system. So every segment has the mount table that its owner saw
//! ([`owner`], [`mounts`]), and a registration on what was mounted later has its mount. In the same namespace, every action is performed. In any other, only
//! those whose path is on the same mount: the same directory of the same filesystem in the same
//! place. The rest stays for a start that sees it, and is reported: "not found" there would mean
//! nothing. What process numbers mean depends on the pid namespace in the same way; processes and
//! commands are left alone in another one, and dropped after a restart of the system, unless the
//! command is marked for it. Segments of other machines are never touched.
//!
//! **What was removed** may be there again after a power cut: a registration that was withdrawn would be
//! on the disk before the removal is. So the journal is told that it is *done*. That is believed while
//! the system runs, and looked at once more after a restart; it is forgotten with the next snapshot,
//! behind a sync of the directories. A replay syncs them before it notes what it has done. What is
//! dismissed is withdrawn at once.
//!
//! **What the bytes mean** depends on the version of this crate. A segment tells that of its own
//! format and that of the actions in it ([`encoding`]). One that only a newer version can read stays,
//! one that only an older one could is kept aside; both are reported. A damaged one is kept aside, too: what
//! is damaged may have withdrawn something. Of the last record, a part that is missing as a power cut leaves
//! it, by whole sectors that read as zeros, is no damage: that write had not returned. A disk that loses a
//! sector of a write that had is not told from it.

pub mod door;
mod group;
mod image;
mod lock;
mod mounts;
mod owner;
mod place;
mod record;
mod recovery;
mod replay;
mod secure;
mod segment;

use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use self::group::Group;
use self::mounts::Watch;
use self::owner::Owner;
use self::place::Place;
use self::record::Kind;
pub use self::recovery::{FailedAction, LeftAlone, Recovery};
use self::segment::Segment;
use super::action::encoding::Encoded;
use super::keeper::Keeper;
use super::rights::{Rights, User};
use super::root::Root;

/// The journal of this process.
#[derive(Debug)]
struct Journal {
    place: Arc<Place>,
    group: Group,
    /// As whom it was opened, and what that thread could do besides.
    user: User,
    rights: Option<Rights>,
    /// What paths began with when it was opened.
    root: Root,
    mounts: Watch,
}

static JOURNAL: OnceLock<Journal> = OnceLock::new();

/// The open journal, if there is one.
pub(crate) fn keeper() -> Option<&'static dyn Keeper> {
    JOURNAL.get().map(|journal| journal as &dyn Keeper)
}

/// Opens the program's journal in its default place, after performing what earlier processes left
/// there. `#[backstop::main(journal)]` does it; this is for programs whose `main` is not attributed.
///
/// Needs the feature `process`; Linux only.
///
/// To be called once, after the program has become the process that it stays: not before it forks,
/// and not before it drops root's rights. Nothing is registered as another user or group than that
/// which has opened the journal: the next start would perform it with the rights of that one. Nor with
/// another root directory (`chroot`), where the paths mean something else.
///
/// # Errors
///
/// The directory cannot be made or read, or is no place for a journal (see [`recover`]), the disk is
/// full, or the journal is open already.
///
/// # Examples
///
/// ```no_run
/// use backstop::{Survives, scratch};
///
/// # fn main() -> std::io::Result<()> {
/// eprint!("{}", backstop::journal::open()?);
/// let dir = scratch::dir(Survives::Reboot)?;
/// # Ok(())
/// # }
/// ```
pub fn open() -> io::Result<Recovery> {
    open_for_main(None)
}

/// As [`open`], in a directory of the program's choice.
///
/// Needs the feature `process`; Linux only.
///
/// # Errors
///
/// As [`open`].
///
/// # Examples
///
/// ```
/// use backstop::{Survives, journal, scratch};
///
/// # // No journal is kept in memory, where the directory for temporary files may be.
/// # let target = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
/// # std::fs::create_dir_all(&target)?;
/// # let state = target.join(format!("journal-{}", std::process::id()));
/// let recovery = journal::open_in(&state)?;
/// assert!(recovery.failed.is_empty());
///
/// // If the power fails before this is dropped, the next `open_in` removes it.
/// let dir = scratch::dir(Survives::Reboot)?;
/// # let path = dir.path().to_owned();
/// # drop(dir);
/// # assert!(!path.exists());
/// # std::fs::remove_dir_all(&state)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn open_in(path: impl AsRef<Path>) -> io::Result<Recovery> {
    open_for_main(Some(path.as_ref()))
}

pub(crate) fn open_for_main(path: Option<&Path>) -> io::Result<Recovery> {
    let already = || io::Error::new(io::ErrorKind::AlreadyExists, "journal: it is open already");
    if JOURNAL.get().is_some() {
        return Err(already());
    }
    let place = Arc::new(Place::open(path, true)?);
    let (owner, user, root) = (Owner::current(), User::current(), Root::current());
    let rights = Rights::of_this_thread();
    let recovery = replay::replay(&place, &owner)?;
    let mounts = Watch::start(owner.mounts().clone())
        .map_err(|e| place::error(e, "cannot read the mount table"))?;
    let segment = Segment::create(Arc::clone(&place), owner)?;
    let journal = Journal { place, group: Group::start(segment)?, user, rights, root, mounts };
    JOURNAL.set(journal).map_err(|_| already())?;
    Ok(recovery)
}

/// Performs what earlier processes left in the journal: the open one of this process, else the
/// program's default one, `$XDG_STATE_HOME/backstop/<program>` or
/// `~/.local/state/backstop/<program>`.
///
/// Needs the feature `process`; Linux only.
///
/// `#[backstop::main(journal)]` does it at every start. To be called when a process of the same
/// program has ended while this one lives, or by programs whose `main` is not attributed.
///
/// It takes 60 s at most: an action has half of the time that is left, if its own timeout is not
/// shorter, and what has no time left is for the next start. An action that panics has failed, and
/// the others go on. (A system call that does not return, on a network filesystem that does not
/// answer for one, is not cut off.)
///
/// Only what is left by processes that are surely gone is looked at, and only what is surely theirs
/// is removed; everything else is in the result, with the reason. A process that has ended, and whose
/// forked child has what it registered in use, counts as alive; for a child that is just being executed,
/// this waits, for a second at most in all.
///
/// # Errors
///
/// The directory cannot be read, or is no place for a journal: it belongs to another user, others
/// can write to it, or it is in memory (tmpfs). That it does not exist is no error.
///
/// # Examples
///
/// ```
/// # let state = tempfile_in_target();
/// # // SAFETY: this is the only thread.
/// # unsafe { std::env::set_var("XDG_STATE_HOME", &state) };
/// let recovery = backstop::recover()?;
/// for left in &recovery.left_alone {
///     eprintln!("{}: {}", left.what, left.reason);
/// }
/// # assert_eq!(recovery, backstop::recover()?);
/// # fn tempfile_in_target() -> std::path::PathBuf {
/// #     std::env::current_exe().unwrap().parent().unwrap().join("no-state")
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn recover() -> io::Result<Recovery> {
    match JOURNAL.get() {
        Some(journal) => {
            let mut recovery = replay::replay(&journal.place, &Owner::current())?;
            // This process is one of them.
            recovery.owners_alive = recovery.owners_alive.saturating_sub(1);
            Ok(recovery)
        }
        None => recover_in(None),
    }
}

/// [`recover`], in a directory that nobody need have opened.
pub(crate) fn recover_in(path: Option<&Path>) -> io::Result<Recovery> {
    match Place::open(path, false) {
        Ok(place) => replay::replay(&place, &Owner::current()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Recovery::default()),
        Err(e) => Err(e),
    }
}

impl Journal {
    /// An error where the next start would do something else than this process means.
    ///
    /// Asked for each registration, and by the thread that registers, as a raw system call changes
    /// that one alone: a few calls are nothing beside a synchronous write.
    fn permit(&self, action: &Encoded) -> io::Result<()> {
        let refused = |what: &str| {
            let message = format!(
                "journal: {what}: the next start must not act for it; open the journal after the change"
            );
            Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
        };
        let now = User::current();
        if now != self.user {
            let then = self.user;
            return refused(&format!(
                "this process ran as {then} when it opened the journal, and runs as {now} now"
            ));
        }
        if action.is_program() && Rights::of_this_thread() != self.rights {
            return refused(
                "this thread has other rights than when the journal was opened (capabilities, \
                 `no_new_privs` or system call filters), and registers a program",
            );
        }
        self.root.permit("when it opened the journal")
    }

    /// What is registered of an action.
    fn data(&self, action: &Encoded) -> io::Result<Arc<[u8]>> {
        let mount = action.path().and_then(|path| self.mounts.differing(&path));
        replay::data(mount.as_ref(), action.bytes())
    }
}

impl Keeper for Journal {
    fn intend(&self, key: u64, action: &Encoded) -> io::Result<()> {
        self.permit(action)?;
        self.group.change(Kind::Intent, key, self.data(action)?)
    }

    fn commit(&self, key: u64, action: &Encoded) -> io::Result<()> {
        self.permit(action)?;
        self.group.change(Kind::Commit, key, self.data(action)?)
    }

    fn forget(&self, key: u64) -> io::Result<()> {
        self.group.change(Kind::Forget, key, Arc::default())
    }

    fn done(&self, key: u64) -> io::Result<()> {
        self.group.change(Kind::Done, key, Arc::default())
    }
}
