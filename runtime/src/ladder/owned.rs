//! Files, directories and sockets that this process makes and removes, without a window in which
//! nobody would.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::action::birth::{Cradle, unguessable};
use super::action::{Action, Prepared};
use super::entry::Entry;
use super::survives::{Keepers, Survives};
use crate::contain::contain;
use crate::flag::State;
use crate::site::Site;

/// Something that this process has made, and that is removed when this is dropped, or when the
/// process ends in a way that the chosen [`Survives`] covers.
///
/// It dereferences to the open file or the listening socket. What is removed is what was made: if
/// somebody has renamed it away, or put something else in its place, that is left alone, and a
/// failed cleanup is [reported](crate::set_observer).
#[must_use = "what was made is removed when this is dropped"]
pub struct OwnedPath<T = ()> {
    value: T,
    path: PathBuf,
    entry: Option<Entry>,
    site: &'static Site,
}

impl<T> OwnedPath<T> {
    /// Where it is: an absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it now.
    ///
    /// # Errors
    ///
    /// If it cannot be removed, or is left alone because it is not what was made.
    pub fn remove(mut self) -> io::Result<()> {
        match self.entry.take().and_then(|entry| entry.run(()).message()) {
            None => Ok(()),
            Some(message) => Err(io::Error::other(message)),
        }
    }

    /// Keeps it: it is not removed any more, however the process ends. At the rung `reboot` that is
    /// durable when this returns.
    #[must_use = "the path is all that is known of it now"]
    pub fn keep(mut self) -> PathBuf {
        drop(self.entry.take());
        std::mem::take(&mut self.path)
    }
}

impl<T> Drop for OwnedPath<T> {
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
        &self.path
    }
}

impl<T> fmt::Debug for OwnedPath<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedPath").field(&self.path).finish()
    }
}

/// Creates a directory at `path`, as [`std::fs::create_dir`] does, that is removed with all that is
/// in it.
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
    let action = Action::remove_dir_all(path).prepare()?.born_buried();
    make(Site::here("create_dir"), survives, action, |cradle, action| {
        cradle.directory(action, 0o777)
    })
}

/// Creates a file at `path`, open for reading and writing. An existing one is not touched.
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
    let action = Action::remove_file(path).prepare()?.born_buried();
    make(Site::here("create_file"), survives, action, |cradle, action| cradle.file(action, 0o666))
}

/// Creates a Unix socket at `path` and listens on it.
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
    let action = Action::unlink_socket(path).prepare()?.born_buried();
    make(Site::here("create_socket"), survives, action, Cradle::socket)
}

pub mod scratch {
    //! Scratch files and directories: a name that nobody guesses, only for this user, and gone with
    //! the process.

    use std::env;

    use super::{Action, File, OwnedPath, Path, Site, Survives, io, make, unguessable};

    /// A new directory, mode 0700, in the system's directory for temporary files
    /// ([`std::env::temp_dir`]).
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
        dir_in(env::temp_dir(), survives)
    }

    /// As [`dir`], in another directory.
    ///
    /// # Errors
    ///
    /// As [`dir`].
    #[track_caller]
    pub fn dir_in(parent: impl AsRef<Path>, survives: Survives) -> io::Result<OwnedPath> {
        let action = Action::remove_dir_all(unguessable(parent.as_ref())?).prepare()?.ours();
        make(Site::here("scratch::dir"), survives, action, |cradle, action| {
            cradle.directory(action, 0o700)
        })
    }

    /// A new file, mode 0600, open for reading and writing, in the system's directory for temporary
    /// files. See [`dir`].
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
        file_in(env::temp_dir(), survives)
    }

    /// As [`file()`], in another directory.
    ///
    /// # Errors
    ///
    /// As [`dir`].
    #[track_caller]
    pub fn file_in(parent: impl AsRef<Path>, survives: Survives) -> io::Result<OwnedPath<File>> {
        let action = Action::remove_file(unguessable(parent.as_ref())?).prepare()?.ours();
        make(Site::here("scratch::file"), survives, action, |cradle, action| {
            cradle.file(action, 0o600)
        })
    }
}

/// Announces, makes, and says what was made, before it gets its name.
fn make<T>(
    site: &'static Site,
    survives: Survives,
    mut action: Prepared,
    make: impl FnOnce(&Cradle, &mut Prepared) -> io::Result<T>,
) -> io::Result<OwnedPath<T>> {
    let cradle = Cradle::of(&action)?;
    let entry = Entry::register(site, action.clone(), false, Keepers::of(survives)?)?;
    let made = make(&cradle, &mut action).and_then(|value| {
        entry.update(&action)?;
        cradle.name(&action)?;
        Ok(value)
    });
    match made {
        Ok(value) => {
            let path = action.path().unwrap_or_default();
            Ok(OwnedPath { value, path, entry: Some(entry), site })
        }
        Err(error) => {
            // Removed as what it is by now: announced, or made.
            contain(site, State::of(crate::Outcome::Error), || entry.run(()));
            Err(error)
        }
    }
}
