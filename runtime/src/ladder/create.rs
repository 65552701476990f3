//! Creating things so that there is no instant in which a kill would leave one behind.
//!
//! What is about to be created is announced first, under a name of 128 random bits that nobody else
//! has; it is created exclusively under that name, identified, and committed. Only then does it get
//! the name that the user chose, if he chose one, and only if nobody has it.
//!
//! Who keeps the registration is the caller's: `intend` is called before anything is created, and
//! `commit` with the same action and the thing's identity. If a function fails after `intend`, what
//! it had created is removed again, and the caller withdraws the registration.

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, Mode, OFlags};

use super::action::{Action, Prepared, by_number, random};

/// Something that was created, and what removes it.
#[derive(Debug)]
pub(crate) struct Created<T> {
    pub(crate) thing: T,
    /// Committed.
    pub(crate) removal: Prepared,
}

impl<T> Created<T> {
    /// Where it is: absolute.
    pub(crate) fn path(&self) -> PathBuf {
        self.removal.path().unwrap_or_default()
    }
}

/// An empty directory of a name that the user chose, as `fs::create_dir` makes it.
pub(crate) fn dir(
    path: &Path,
    intend: impl FnOnce(&Prepared) -> io::Result<()>,
    commit: impl FnOnce(&Prepared) -> io::Result<()>,
) -> io::Result<Created<()>> {
    let make = |parent: BorrowedFd<'_>, name: &OsStr| make_dir(parent, name, 0o777);
    let removal = Action::remove_dir_all(path).prepare()?.born_hidden();
    create(removal, make, identify_dir, intend, commit)
}

/// A new file of a name that the user chose, as `File::create_new` makes it.
pub(crate) fn file(
    path: &Path,
    intend: impl FnOnce(&Prepared) -> io::Result<()>,
    commit: impl FnOnce(&Prepared) -> io::Result<()>,
) -> io::Result<Created<File>> {
    let make = |parent: BorrowedFd<'_>, name: &OsStr| make_file(parent, name, 0o666);
    let removal = Action::remove_file(path).prepare()?.born_hidden();
    create(removal, make, identify_file, intend, commit)
}

/// A listening socket of a name that the user chose. To itself and to those who connect, it goes by
/// the random one.
pub(crate) fn socket(
    path: &Path,
    intend: impl FnOnce(&Prepared) -> io::Result<()>,
    commit: impl FnOnce(&Prepared) -> io::Result<()>,
) -> io::Result<Created<UnixListener>> {
    let prepared = Action::unlink_socket(path).prepare()?.born_hidden();
    let directory = prepared.path().and_then(|path| Some(path.parent()?.to_owned()));
    let make = |parent: BorrowedFd<'_>, name: &OsStr| bind(parent, directory.as_deref(), name);
    create(prepared, make, identify_socket, intend, commit)
}

/// An empty directory for our own use, of mode `0700` and a random name: in `parent`, or where
/// temporary files go.
pub(crate) fn scratch_dir(
    parent: Option<&Path>,
    intend: impl FnOnce(&Prepared) -> io::Result<()>,
    commit: impl FnOnce(&Prepared) -> io::Result<()>,
) -> io::Result<Created<()>> {
    let make = |parent: BorrowedFd<'_>, name: &OsStr| make_dir(parent, name, 0o700);
    let removal = Action::remove_dir_all(scratch(parent)?).prepare()?.ours();
    create(removal, make, identify_dir, intend, commit)
}

/// The same for a file, of mode `0600`, open for reading and writing.
pub(crate) fn scratch_file(
    parent: Option<&Path>,
    intend: impl FnOnce(&Prepared) -> io::Result<()>,
    commit: impl FnOnce(&Prepared) -> io::Result<()>,
) -> io::Result<Created<File>> {
    let make = |parent: BorrowedFd<'_>, name: &OsStr| make_file(parent, name, 0o600);
    let removal = Action::remove_file(scratch(parent)?).prepare()?.ours();
    create(removal, make, identify_file, intend, commit)
}

fn scratch(parent: Option<&Path>) -> io::Result<PathBuf> {
    let name = random::visible_name()?;
    Ok(parent.map_or_else(env::temp_dir, Path::to_owned).join(name))
}

fn create<T>(
    mut removal: Prepared,
    make: impl FnOnce(BorrowedFd<'_>, &OsStr) -> io::Result<T>,
    identify: Identify<T>,
    intend: impl FnOnce(&Prepared) -> io::Result<()>,
    commit: impl FnOnce(&Prepared) -> io::Result<()>,
) -> io::Result<Created<T>> {
    let path = removal.path().unwrap_or_default();
    let (parent, name) = removal.cradle()?;
    intend(&removal)?;
    // From here on, a kill leaves it to whoever heard of the intent.
    let thing = make(parent.as_fd(), &name).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot create {}: {error}", path.display()))
    })?;
    let finished = identify(&mut removal, parent.as_fd(), &name, &thing)
        .and_then(|()| commit(&removal))
        .and_then(|()| removal.reveal(parent.as_fd()));
    match finished {
        Ok(()) => Ok(Created { thing, removal }),
        Err(error) => Err(match removal.perform_in(parent.as_fd()) {
            Ok(_) => error,
            Err(left) => io::Error::new(error.kind(), format!("{error}; and then: {left}")),
        }),
    }
}

/// Notes which thing was just made in the directory, under the name. Who watches the directory may
/// have put something else there by now.
type Identify<T> = fn(&mut Prepared, BorrowedFd<'_>, &OsStr, &T) -> io::Result<()>;

fn make_dir(parent: BorrowedFd<'_>, name: &OsStr, mode: u16) -> io::Result<()> {
    Ok(rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(mode.into()))?)
}

/// No call makes a directory and opens it. But one that has something in it is not the new one.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "as for the others")]
fn identify_dir(
    removal: &mut Prepared,
    parent: BorrowedFd<'_>,
    name: &OsStr,
    (): &(),
) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    for entry in Dir::read_from(&dir)? {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Err(io::Error::other("somebody put another directory in its place at once"));
        }
    }
    removal.commit_fd(dir.as_fd())
}

fn make_file(parent: BorrowedFd<'_>, name: &OsStr, mode: u16) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(mode.into()))?.into())
}

fn identify_file(
    removal: &mut Prepared,
    _: BorrowedFd<'_>,
    _: &OsStr,
    file: &File,
) -> io::Result<()> {
    removal.commit_fd(file.as_fd())
}

/// Binds in the directory that is open, whatever has its path by now. That goes by its descriptor's
/// path in `/proc`, which is also short enough for an address; only where there is no `/proc`, it
/// goes by the directory's own.
fn bind(
    parent: BorrowedFd<'_>,
    directory: Option<&Path>,
    name: &OsStr,
) -> io::Result<UnixListener> {
    let by_number = by_number(parent);
    let directory = match directory {
        Some(directory) if !by_number.exists() => directory,
        _ => &by_number,
    };
    UnixListener::bind(directory.join(name))
}

/// The listener's own descriptor is not the file's. No call tells that for sure, but it is a socket.
fn identify_socket(
    removal: &mut Prepared,
    parent: BorrowedFd<'_>,
    name: &OsStr,
    _: &UnixListener,
) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    removal.commit_fd(rustix::fs::openat(parent, name, flags, Mode::empty())?.as_fd())
}

#[cfg(test)]
mod tests;
