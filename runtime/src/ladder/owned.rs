//! Files, directories and sockets that this process makes and removes, without a window in which
//! nobody would.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::fs::File;
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::action::Prepared;
use super::create::{self, Created};
use super::entry::Entry;
use super::exit::{self, Announced, Making};
use super::survives::{Keepers, Survives};
use crate::contain::contain;
use crate::flag::State;
use crate::site::Site;

/// Something that this process has made, and that is removed when this is dropped, or when the
/// process ends in a way that the chosen [`Survives`] covers.
///
/// Needs the feature `process`; Linux only.
///
/// It dereferences to the open file or the listening socket. What is removed is what was made: if
/// somebody has renamed it away, or put something else in its place, that is left alone, and a
/// failed cleanup is [reported](crate::set_observer).
#[must_use = "what was made is removed when this is dropped"]
pub struct OwnedPath<T = ()> {
    /// Before the value: what is open is removed first, and closed then.
    registered: Registered,
    value: T,
}

/// The registration, which is performed when this is dropped.
struct Registered {
    path: PathBuf,
    entry: Option<Entry>,
    site: &'static Site,
}

impl<T> OwnedPath<T> {
    /// Where it is: an absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.registered.path
    }

    /// Removes it now.
    ///
    /// # Errors
    ///
    /// If it cannot be removed, or is left alone because it is not what was made.
    pub fn remove(mut self) -> io::Result<()> {
        match self.registered.entry.take().and_then(|entry| entry.run(()).message()) {
            None => Ok(()),
            Some(message) => Err(io::Error::other(message)),
        }
    }

    /// Keeps it: it is not removed any more, however the process ends. At the rung `reboot` that is
    /// durable when this returns. If the reaper or the journal cannot be told, that is
    /// [reported](crate::set_observer): it may be removed with the process after all.
    ///
    /// Gives back where it is, and the open file or the listening socket: `()` for a directory.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Write as _;
    ///
    /// use backstop::{Survives, scratch};
    ///
    /// let draft = scratch::file(Survives::Exit)?;
    /// let (path, mut file) = draft.keep();
    /// file.write_all(b"text")?;
    /// assert_eq!(std::fs::read(&path)?, b"text");
    /// # std::fs::remove_file(&path)?;
    ///
    /// let (path, ()) = scratch::dir(Survives::Exit)?.keep();
    /// assert!(path.is_dir());
    /// # std::fs::remove_dir(&path)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use = "the path is all that is known of it now"]
    pub fn keep(self) -> (PathBuf, T) {
        let Self { mut registered, value } = self;
        drop(registered.entry.take());
        (std::mem::take(&mut registered.path), value)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            contain(self.site, State::AMBIENT, || entry.run(()));
        }
    }
}

impl<T> Deref for OwnedPath<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for OwnedPath<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> AsRef<Path> for OwnedPath<T> {
    fn as_ref(&self) -> &Path {
        self.path()
    }
}

impl<T> fmt::Debug for OwnedPath<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedPath").field(&self.path()).finish()
    }
}

/// Creates a directory at `path`, as [`std::fs::create_dir`] does, that is removed with all that is
/// in it.
///
/// Needs the feature `process`; Linux only.
///
/// There is no instant at which the process could be killed and the directory would stay: it is
/// announced, made under a random name beside `path`, identified, and only then renamed to `path`.
///
/// # Errors
///
/// Before anything is made: the path is no path of a directory to be, or nobody could take the
/// registration (no reaper for [`Survives::Kill`], no journal or no room in it for
/// [`Survives::Reboot`]). Then: the directory cannot be made, or the name is taken
/// ([`AlreadyExists`](io::ErrorKind::AlreadyExists)); nothing is left behind.
///
/// # Examples
///
/// ```
/// use backstop::{Survives, create_dir};
///
/// # let path = std::env::temp_dir().join(format!("create-dir-{}", std::process::id()));
/// let dir = create_dir(&path, Survives::Exit)?;
/// std::fs::write(dir.path().join("draft"), "text")?;
/// drop(dir);
/// assert!(!path.exists());
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
pub fn create_dir(path: impl AsRef<Path>, survives: Survives) -> io::Result<OwnedPath> {
    let pending = Pending::new(Site::here("create_dir"), survives)?;
    pending.own(create::dir(path.as_ref(), |it| pending.intend(it), |it| pending.commit(it)))
}

/// Creates a file at `path`, open for reading and writing. An existing one is not touched.
///
/// Needs the feature `process`; Linux only.
///
/// See [`create_dir`] for the way, and for errors.
///
/// # Errors
///
/// As [`create_dir`].
///
/// # Examples
///
/// ```
/// use std::io::Write as _;
///
/// use backstop::{Survives, create_file};
///
/// # let path = std::env::temp_dir().join(format!("create-file-{}", std::process::id()));
/// let mut lock = create_file(&path, Survives::Exit)?;
/// writeln!(lock, "{}", std::process::id())?;
/// assert!(create_file(&path, Survives::Exit).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
pub fn create_file(path: impl AsRef<Path>, survives: Survives) -> io::Result<OwnedPath<File>> {
    let pending = Pending::new(Site::here("create_file"), survives)?;
    pending.own(create::file(path.as_ref(), |it| pending.intend(it), |it| pending.commit(it)))
}

/// Creates a Unix socket at `path` and listens on it.
///
/// Needs the feature `process`; Linux only.
///
/// See [`create_dir`] for the way, and for errors. The path may be longer than the 107 bytes that
/// [`UnixListener::bind`] takes; clients that connect by it may not.
///
/// # Errors
///
/// As [`create_dir`].
///
/// # Examples
///
/// ```
/// use std::os::unix::net::UnixStream;
///
/// use backstop::{Survives, create_socket};
///
/// # let path = std::env::temp_dir().join(format!("create-socket-{}", std::process::id()));
/// let socket = create_socket(&path, Survives::Exit)?;
/// let _client = UnixStream::connect(&path)?;
/// socket.accept()?;
/// drop(socket);
/// assert!(!path.exists());
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
pub fn create_socket(
    path: impl AsRef<Path>,
    survives: Survives,
) -> io::Result<OwnedPath<UnixListener>> {
    let pending = Pending::new(Site::here("create_socket"), survives)?;
    pending.own(create::socket(path.as_ref(), |it| pending.intend(it), |it| pending.commit(it)))
}

pub mod scratch {
    //! Scratch files and directories: a name that nobody guesses, only for this user, and gone with
    //! the process.
    //!
    //! Needs the feature `process`; Linux only.

    use super::{File, OwnedPath, Path, Pending, Site, Survives, create, io};

    /// A new directory, mode 0700, in the system's directory for temporary files
    /// ([`std::env::temp_dir`]).
    ///
    /// Needs the feature `process`; Linux only.
    ///
    /// The removal is registered before the directory is made, under a name of 128 random bits, so
    /// that there is no instant at which the process could be killed and the directory would stay.
    ///
    /// # Errors
    ///
    /// Before anything is made: nobody could take the registration (no reaper for
    /// [`Survives::Kill`], no journal or no room in it for [`Survives::Reboot`]). Then: the directory
    /// cannot be made; nothing is left behind.
    ///
    /// # Examples
    ///
    /// ```
    /// use backstop::{Survives, scratch};
    ///
    /// let dir = scratch::dir(Survives::Exit)?;
    /// std::fs::write(dir.path().join("draft"), "text")?;
    /// let path = dir.path().to_owned();
    /// dir.remove()?;
    /// assert!(!path.exists());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn dir(survives: Survives) -> io::Result<OwnedPath> {
        make_dir(None, survives)
    }

    /// As [`dir`], in another directory.
    ///
    /// Needs the feature `process`; Linux only.
    ///
    /// # Errors
    ///
    /// As [`dir`].
    ///
    /// # Examples
    ///
    /// ```
    /// use backstop::{Survives, scratch};
    ///
    /// let work = scratch::dir(Survives::Exit)?;
    /// let part = scratch::dir_in(work.path(), Survives::Exit)?;
    /// assert!(part.path().starts_with(work.path()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn dir_in(parent: impl AsRef<Path>, survives: Survives) -> io::Result<OwnedPath> {
        make_dir(Some(parent.as_ref()), survives)
    }

    #[track_caller]
    fn make_dir(parent: Option<&Path>, survives: Survives) -> io::Result<OwnedPath> {
        let pending = Pending::new(Site::here("scratch::dir"), survives)?;
        pending.own(create::scratch_dir(parent, |it| pending.intend(it), |it| pending.commit(it)))
    }

    /// A new file, mode 0600, open for reading and writing, in the system's directory for temporary
    /// files. See [`dir`].
    ///
    /// Needs the feature `process`; Linux only.
    ///
    /// # Errors
    ///
    /// As [`dir`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Write as _;
    ///
    /// use backstop::{Survives, scratch};
    ///
    /// let mut file = scratch::file(Survives::Exit)?;
    /// file.write_all(b"text")?;
    /// assert_eq!(std::fs::read(file.path())?, b"text");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn file(survives: Survives) -> io::Result<OwnedPath<File>> {
        make_file(None, survives)
    }

    /// As [`file()`], in another directory.
    ///
    /// Needs the feature `process`; Linux only.
    ///
    /// # Errors
    ///
    /// As [`dir`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::fs;
    /// use std::io::Write as _;
    ///
    /// use backstop::{Survives, scratch};
    ///
    /// let work = scratch::dir(Survives::Exit)?;
    /// // Where the result is to be: a file can only be renamed within its filesystem.
    /// let mut draft = scratch::file_in(work.path(), Survives::Exit)?;
    /// draft.write_all(b"text")?;
    /// let (path, _file) = draft.keep();
    /// fs::rename(path, work.path().join("report"))?;
    /// assert_eq!(fs::read(work.path().join("report"))?, b"text");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn file_in(parent: impl AsRef<Path>, survives: Survives) -> io::Result<OwnedPath<File>> {
        make_file(Some(parent.as_ref()), survives)
    }

    #[track_caller]
    fn make_file(parent: Option<&Path>, survives: Survives) -> io::Result<OwnedPath<File>> {
        let pending = Pending::new(Site::here("scratch::file"), survives)?;
        pending.own(create::scratch_file(parent, |it| pending.intend(it), |it| pending.commit(it)))
    }
}

/// The registration of something that is being created.
struct Pending {
    site: &'static Site,
    keepers: Cell<Option<Keepers>>,
    entry: RefCell<Option<Entry>>,
    /// Until the thing is there, the exit hook leaves its entry for last.
    making: Cell<Option<Making>>,
    /// Until there is an entry, the exit hook waits a moment.
    _announced: Announced,
}

impl Pending {
    fn new(site: &'static Site, survives: Survives) -> io::Result<Self> {
        let keepers = Cell::new(Some(Keepers::of(survives)?));
        let (entry, making) = (RefCell::default(), Cell::default());
        Ok(Self { site, keepers, entry, making, _announced: exit::announce() })
    }

    /// Nothing has been created yet.
    fn intend(&self, action: &Prepared) -> io::Result<()> {
        if let Some(keepers) = self.keepers.take() {
            let entry = Entry::register(self.site, action.clone(), false, keepers)?;
            self.making.set(Some(entry.begin()));
            self.entry.replace(Some(entry));
        }
        Ok(())
    }

    /// It has been created, under its first name.
    fn commit(&self, action: &Prepared) -> io::Result<()> {
        self.entry.borrow().as_ref().map_or(Ok(()), |entry| entry.update(action))
    }

    /// On an error everything has been removed, and the registration goes with `self`; but what was
    /// committed may have come to the disk, and its removal not yet.
    fn own<T>(&self, created: io::Result<Created<T>>) -> io::Result<OwnedPath<T>> {
        let created = match created {
            Ok(created) => created,
            Err(error) => {
                drop(self.making.take());
                self.entry.take().map(|entry| entry.run(()));
                return Err(error);
            }
        };
        drop(self.making.take());
        let path = created.path();
        let registered = Registered { path, entry: self.entry.take(), site: self.site };
        Ok(OwnedPath { registered, value: created.thing })
    }
}
