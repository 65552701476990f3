//! Making a thing so that it can be told from others before anybody else knows its name.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::open::Opener;
use super::place::{Parent, Place, quoted};
use super::{Prepared, Ready, random};

const OPEN: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC);

/// A path in `directory` that nobody guesses.
pub(crate) fn unguessable(directory: &Path) -> io::Result<PathBuf> {
    let name = random::name(&random::id()?);
    Ok(directory.join(name.to_string_lossy().trim_start_matches('.')))
}

/// Where a thing is made.
pub(crate) struct Cradle {
    parent: OwnedFd,
    /// Of 128 random bits.
    name: OsString,
    path: PathBuf,
}

impl Cradle {
    /// The place of what `action` removes.
    pub(crate) fn of(action: &Prepared) -> io::Result<Self> {
        let Ready::Remove(removal) = &action.what else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let parent = parent(removal.place())?;
        let name = removal.birth_name();
        Ok(Self { path: removal.place().parent().join(&name), parent, name })
    }

    /// Makes a directory and notes its identity in `action`.
    pub(crate) fn directory(&self, action: &mut Prepared, mode: u32) -> io::Result<()> {
        rustix::fs::mkdirat(&self.parent, &self.name, Mode::from_raw_mode(mode))
            .map_err(|error| self.cannot("create the directory", error))?;
        let directory =
            rustix::fs::openat(&self.parent, &self.name, OPEN | OFlags::DIRECTORY, Mode::empty())
                .map_err(|error| self.cannot("open the directory", error))?;
        action.commit_fd(directory.as_fd())
    }

    /// Makes a file, open for reading and writing, and notes its identity in `action`.
    pub(crate) fn file(&self, action: &mut Prepared, mode: u32) -> io::Result<File> {
        let flags = OPEN | OFlags::CREATE | OFlags::EXCL | OFlags::RDWR;
        let file = rustix::fs::openat(&self.parent, &self.name, flags, Mode::from_raw_mode(mode))
            .map_err(|error| self.cannot("create the file", error))?;
        action.commit_fd(file.as_fd())?;
        Ok(file.into())
    }

    /// Makes a socket that listens, and notes its identity in `action`.
    pub(crate) fn socket(&self, action: &mut Prepared) -> io::Result<UnixListener> {
        // By the descriptor: a socket's path may have 107 bytes.
        let path = format!("/proc/self/fd/{}", self.parent.as_raw_fd());
        let listener = UnixListener::bind(Path::new(&path).join(&self.name))
            .map_err(|error| self.explain("bind the socket", &error))?;
        if let Ready::Remove(removal) = &mut action.what {
            removal.commit_born(self.parent.as_fd())?;
        }
        Ok(listener)
    }

    /// Gives the thing its own name, unless somebody has it.
    pub(crate) fn name(&self, action: &Prepared) -> io::Result<()> {
        let Ready::Remove(removal) = &action.what else { return Ok(()) };
        let name = removal.place().name();
        if name == self.name {
            return Ok(());
        }
        let parent = &self.parent;
        match rustix::fs::renameat_with(parent, &self.name, parent, name, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(()),
            // Where the file system does not know the flag. A link does not replace either; a
            // directory has none.
            Err(Errno::INVAL | Errno::NOSYS) => {
                rustix::fs::linkat(parent, &self.name, parent, name, AtFlags::empty())
                    .and_then(|()| rustix::fs::unlinkat(parent, &self.name, AtFlags::empty()))
                    .map_err(|error| name_not_given(removal.place(), error))
            }
            Err(error) => Err(name_not_given(removal.place(), error)),
        }
    }

    fn cannot(&self, what: &str, error: Errno) -> io::Error {
        self.explain(what, &error.into())
    }

    fn explain(&self, what: &str, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("cannot {what} {}: {error}", quoted(&self.path)))
    }
}

fn parent(place: &Place) -> io::Result<OwnedFd> {
    match place.open_parent(Opener::new())? {
        Parent::Here(parent) => Ok(parent),
        Parent::Gone => Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("the directory {} is gone", quoted(place.parent())),
        )),
        Parent::Replaced(why) => Err(io::Error::other(why)),
    }
}

fn name_not_given(place: &Place, error: Errno) -> io::Error {
    let error = io::Error::from(error);
    io::Error::new(error.kind(), format!("cannot create {}: {error}", quoted(&place.path())))
}
