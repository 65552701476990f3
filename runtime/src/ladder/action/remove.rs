//! Removing a file, a directory or a socket, if it is surely ours.
//!
//! The directory that it is in is opened again without following links; what has the name there is
//! compared with what was committed; it is renamed to its **tombstone**, a random name that was
//! noted beforehand, so that whoever takes the name from then on has nothing to fear; it is
//! compared once more, as somebody may have swapped it before the rename; and removed. A removal
//! that was interrupted is found again under its tombstone.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::Performed;
use super::deadline::Deadline;
use super::empty::{self, Emptied};
use super::identity::Identity;
use super::open::{self, Opener, Seen};
use super::place::{Parent, Place, quoted};
use super::random::{self, Id};
use super::tombstone::{bury, unbury};

/// How often others may get in between before it is an error.
const ATTEMPTS: usize = 32;

/// Why something of our own random name is not ours.
const NOT_EMPTY: &str = "it is not empty, and what was created under this name had nothing in it yet: \
                         somebody else put it there";

/// What kind of thing is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Thing {
    /// Anything but a directory.
    File,
    Directory,
    Socket,
}

impl Thing {
    fn accepts(self, kind: FileType) -> bool {
        match self {
            Self::File => kind != FileType::Directory,
            Self::Directory => kind == FileType::Directory,
            Self::Socket => kind == FileType::Socket,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Socket => "socket",
        }
    }
}

/// A removal that another process can perform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Removal {
    thing: Thing,
    place: Place,
    tombstone: Id,
    /// Which of its names are 128 random bits of ours, under which it is created exclusively.
    ours: Ours,
    identity: Option<Identity>,
}

/// What is removed although its identity is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Ours {
    Nothing,
    /// What has the thing's name, here and now.
    Found,
    /// What has the thing's name, as long as it is empty.
    Name,
    /// What has its tombstone's, as long as it is empty: it is born under that, and gets its name once
    /// it is committed.
    Tombstone,
}

/// What became of the thing under its tombstone.
enum Buried {
    Removed,
    /// Somebody else removed it or moved it back.
    Vanished,
    Left(String),
}

impl Removal {
    pub(super) fn new(thing: Thing, path: &Path) -> io::Result<Self> {
        Ok(Self {
            thing,
            place: Place::of(path)?,
            tombstone: random::id()?,
            ours: Ours::Nothing,
            identity: None,
        })
    }

    pub(super) fn thing(&self) -> Thing {
        self.thing
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Whatever is found under the name is meant.
    pub(super) fn here_and_now(self) -> Self {
        Self { ours: Ours::Found, ..self }
    }

    /// What has the name is ours: nobody else could have guessed it. Who watches the directory could
    /// have seen it, though, and put something else there; but nobody writes to what is ours before it
    /// is committed, so that nothing but an empty thing goes for its name alone.
    pub(super) fn by_name(self) -> Self {
        Self { ours: Ours::Name, ..self }
    }

    /// The thing is created under its tombstone's name, and renamed once it is committed.
    pub(super) fn born_buried(self) -> Self {
        Self { ours: Ours::Tombstone, ..self }
    }

    pub(super) fn tombstone(&self) -> OsString {
        random::name(&self.tombstone)
    }

    pub(super) fn is_committed(&self) -> bool {
        self.identity.is_some()
    }

    /// Where it is to be created: the directory, and the name that it has at first.
    pub(super) fn cradle(&self) -> io::Result<(OwnedFd, OsString)> {
        let name = match self.ours {
            Ours::Tombstone => self.tombstone(),
            Ours::Name | Ours::Found | Ours::Nothing => self.place.name().to_owned(),
        };
        match self.place.open_parent(Opener::new())? {
            Parent::Here(parent) => Ok((parent, name)),
            Parent::Gone => Err(about("cannot find", self.place.parent(), Errno::NOENT)),
            Parent::Replaced(why) | Parent::Hidden(why) => Err(io::Error::other(why)),
        }
    }

    /// Gives what was created in `parent` under its tombstone its name, if nobody has that, and if
    /// `parent` is still the directory that the path leads to.
    pub(super) fn reveal(&self, parent: BorrowedFd<'_>) -> io::Result<()> {
        let (today, tombstone) = self.cradle()?;
        if !same(parent, today.as_fd())? {
            let why = format!("{} was replaced meanwhile", quoted(self.place.parent()));
            return Err(io::Error::other(why));
        }
        if self.ours != Ours::Tombstone {
            return Ok(());
        }
        let kind = match self.thing {
            Thing::Directory => FileType::Directory,
            Thing::File | Thing::Socket => FileType::RegularFile,
        };
        unbury(parent, &tombstone, self.place.name(), kind)
            .map_err(|error| about("cannot create", &self.place.path(), error))
    }

    /// Whether something has the name, or that cannot be seen.
    pub(super) fn may_be_there(&self) -> bool {
        let Ok((parent, name)) = self.cradle() else { return true };
        !matches!(open::look(parent.as_fd(), &name), Ok(None))
    }

    /// Notes which thing has the name now that it is created under.
    pub(super) fn commit(&mut self) -> io::Result<()> {
        let path = self.place.path();
        let (parent, name) = self.cradle()?;
        let seen = open::look(parent.as_fd(), &name)
            .map_err(|error| about("cannot look at", &path, error))?
            .ok_or_else(|| about("cannot note the identity of", &path, Errno::NOENT))?;
        self.commit_seen(&path, &seen)
    }

    #[cfg(target_os = "linux")]
    fn commit_seen(&mut self, path: &Path, seen: &Seen) -> io::Result<()> {
        self.commit_open(path, seen.fd.as_fd())
    }

    /// Elsewhere only the process itself performs it.
    #[cfg(not(target_os = "linux"))]
    fn commit_seen(&mut self, path: &Path, _: &Seen) -> io::Result<()> {
        Err(about("cannot note the identity of", path, Errno::OPNOTSUPP))
    }

    /// Notes which thing it is by an open descriptor of it: for a socket, of the file that it is bound
    /// to, which the socket's own is not.
    pub(super) fn commit_fd(&mut self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.commit_open(&self.place.path(), fd)
    }

    fn commit_open(&mut self, path: &Path, fd: BorrowedFd<'_>) -> io::Result<()> {
        let failed = |error| about("cannot note the identity of", path, error);
        let kind = FileType::from_raw_mode(rustix::fs::fstat(fd).map_err(failed)?.st_mode);
        if !self.thing.accepts(kind) {
            return Err(io::Error::new(ErrorKind::InvalidInput, self.wrong_kind(kind)));
        }
        self.identity = Some(Identity::take(fd).map_err(failed)?);
        Ok(())
    }

    fn wrong_kind(&self, kind: FileType) -> String {
        let path = self.place.path();
        let found = match kind {
            FileType::RegularFile => "file",
            FileType::Directory => "directory",
            FileType::Symlink => "symbolic link",
            FileType::Socket => "socket",
            FileType::Fifo => "pipe",
            _ => "device",
        };
        format!("{} is a {found} and no {}", quoted(&path), self.thing.word())
    }

    /// Removes it.
    pub(super) fn perform(&self, deadline: Deadline) -> io::Result<Performed> {
        self.perform_with(Opener::new(), deadline)
    }

    pub(super) fn perform_with(&self, opener: Opener, deadline: Deadline) -> io::Result<Performed> {
        match self.place.open_parent(opener)? {
            Parent::Here(parent) => self.perform_in(parent.as_fd(), opener, deadline),
            Parent::Gone => Ok(Performed::Gone),
            Parent::Replaced(why) => Ok(self.left(&why)),
            Parent::Hidden(why) => Ok(self.hidden(&why)),
        }
    }

    /// Removes it from the directory that is open, wherever that is by now.
    pub(super) fn perform_in(
        &self,
        parent: BorrowedFd<'_>,
        opener: Opener,
        deadline: Deadline,
    ) -> io::Result<Performed> {
        let path = self.place.path();
        let cannot = |error| about("cannot remove", &path, error);
        let tombstone = self.tombstone();
        for _ in 0..ATTEMPTS {
            // Left by an interrupted removal, or under another one's hands now.
            if let Some(buried) = open::look(parent, &tombstone).map_err(cannot)? {
                match self.finish(parent, &tombstone, &buried, opener, deadline)? {
                    Buried::Removed => return Ok(Performed::Done),
                    Buried::Vanished => continue,
                    Buried::Left(why) => return Ok(self.left(&why)),
                }
            }
            if let Some(not_here) = self.missing(parent).map_err(cannot)? {
                // Another one who performs this may have renamed it between the two looks, and be
                // killed before it goes on.
                if open::look(parent, &tombstone).map_err(cannot)?.is_some() {
                    continue;
                }
                return Ok(not_here);
            }
            match bury(parent, self.place.name(), &tombstone) {
                // To be looked at once more: it may have been swapped in between. Or others were
                // faster.
                Ok(()) | Err(Errno::NOENT | Errno::EXIST) => {}
                Err(Errno::BUSY) => return Ok(self.left("something is mounted there")),
                Err(error) => return Err(cannot(error)),
            }
        }
        Err(io::Error::new(
            ErrorKind::ResourceBusy,
            format!("cannot remove {}: others keep moving it", quoted(&path)),
        ))
    }

    /// What is to be said if the thing does not have its name.
    fn missing(&self, parent: BorrowedFd<'_>) -> rustix::io::Result<Option<Performed>> {
        let Some(found) = open::look(parent, self.place.name())? else {
            return Ok(Some(match self.place.unmounted(parent) {
                Some(why) => self.hidden(&why),
                None => Performed::Gone,
            }));
        };
        if self.ours == Ours::Tombstone && self.identity.is_none() {
            // It never came to have its name: this is somebody else's.
            return Ok(Some(Performed::Gone));
        }
        Ok(self.refusal(&found)?.map(|why| match self.place.unmounted(parent) {
            // What has its name is in its way only.
            Some(why) => self.hidden(&why),
            None => self.left(&why),
        }))
    }

    /// Why what was found is not to be removed.
    fn refusal(&self, found: &Seen) -> rustix::io::Result<Option<String>> {
        if let Some(identity) = &self.identity {
            return Ok(identity.difference(found)?.map(str::to_owned));
        }
        if self.ours == Ours::Nothing {
            return Ok(Some(
                "it was announced, and never confirmed to be the one that was created".to_owned(),
            ));
        }
        if !self.thing.accepts(found.kind()) {
            return Ok(Some(self.wrong_kind(found.kind())));
        }
        Ok((self.only_if_empty() && found.has_content()).then(|| NOT_EMPTY.to_owned()))
    }

    /// Whether its name is all that is known of it, and that may be another thing's by now.
    fn only_if_empty(&self) -> bool {
        self.identity.is_none() && self.ours != Ours::Found
    }

    /// Removes what lies under the tombstone, if it is the right one.
    fn finish(
        &self,
        parent: BorrowedFd<'_>,
        tombstone: &OsStr,
        buried: &Seen,
        opener: Opener,
        deadline: Deadline,
    ) -> io::Result<Buried> {
        let path = self.place.path();
        let cannot = |error| about("cannot remove", &path, error);
        let unbury = |why: &str| self.unbury(parent, tombstone, buried.kind(), why);
        if let Some(why) = self.refusal(buried).map_err(cannot)? {
            return Ok(Buried::Left(unbury(&why)));
        }
        let result = if buried.kind() == FileType::Directory {
            if self.only_if_empty() {
                match rustix::fs::unlinkat(parent, tombstone, AtFlags::REMOVEDIR) {
                    Ok(()) => Ok(Emptied::Removed),
                    Err(Errno::NOENT) => Ok(Emptied::Vanished),
                    Err(Errno::NOTEMPTY | Errno::EXIST) => {
                        return Ok(Buried::Left(unbury(NOT_EMPTY)));
                    }
                    Err(error) => Err(error.into()),
                }
            } else {
                finish_directory(parent, tombstone, buried, opener, deadline)
            }
        } else {
            match rustix::fs::unlinkat(parent, tombstone, AtFlags::empty()) {
                Ok(()) => Ok(Emptied::Removed),
                Err(Errno::NOENT) => Ok(Emptied::Vanished),
                Err(error) => Err(error.into()),
            }
        };
        match result {
            Ok(Emptied::Removed) => Ok(Buried::Removed),
            Ok(Emptied::Vanished) => Ok(Buried::Vanished),
            Ok(Emptied::Mounted(at)) => Ok(Buried::Left(unbury(&format!(
                "something is mounted on {} in it; the rest was removed",
                quoted(&at)
            )))),
            Err(error) => Err(io::Error::new(
                error.kind(),
                format!("cannot remove {}: {}", quoted(&path), unbury(&error.to_string())),
            )),
        }
    }

    /// Gives the thing its name back, unless somebody has it by now; `why`, with where it is.
    fn unbury(
        &self,
        parent: BorrowedFd<'_>,
        tombstone: &OsStr,
        kind: FileType,
        why: &str,
    ) -> String {
        let at = self.place.parent().join(tombstone);
        if self.ours == Ours::Tombstone && self.identity.is_none() {
            // It never had another one.
            return format!("{why}; it is at {}", quoted(&at));
        }
        match unbury(parent, tombstone, self.place.name(), kind) {
            Ok(()) | Err(Errno::NOENT) => why.to_owned(),
            Err(error) => format!(
                "{why}; it is now at {}, as its name could not be given back ({})",
                quoted(&at),
                io::Error::from(error),
            ),
        }
    }

    fn left(&self, why: &str) -> Performed {
        Performed::LeftAlone(self.left_alone(why))
    }

    fn hidden(&self, why: &str) -> Performed {
        Performed::Hidden(self.left_alone(why))
    }

    fn left_alone(&self, why: &str) -> String {
        format!("{} is left alone: {why}", quoted(&self.place.path()))
    }
}

fn finish_directory(
    parent: BorrowedFd<'_>,
    tombstone: &OsStr,
    buried: &Seen,
    opener: Opener,
    deadline: Deadline,
) -> io::Result<Emptied> {
    match open_buried(parent, tombstone, buried, opener) {
        Ok(root) => empty::remove(parent, tombstone, root, opener, deadline),
        Err(Errno::NOENT) => Ok(Emptied::Vanished),
        Err(error) => Err(error.into()),
    }
}

/// Opens the directory that was looked at, to read it.
#[cfg(target_os = "linux")]
fn open_buried(
    _: BorrowedFd<'_>,
    _: &OsStr,
    buried: &Seen,
    _: Opener,
) -> rustix::io::Result<OwnedFd> {
    use rustix::fs::OFlags;

    let open = || {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::io::retry_on_intr(|| rustix::fs::openat(&buried.fd, ".", flags, Mode::empty()))
    };
    match open() {
        Err(Errno::ACCESS) => {
            let mode = Mode::from_raw_mode(buried.stat.st_mode) | Mode::RWXU;
            rustix::fs::chmod(open::by_number(buried.fd.as_fd()), mode)?;
            open()
        }
        other => other,
    }
}

#[cfg(not(target_os = "linux"))]
fn open_buried(
    parent: BorrowedFd<'_>,
    tombstone: &OsStr,
    buried: &Seen,
    opener: Opener,
) -> rustix::io::Result<OwnedFd> {
    let root = opener.child(parent, tombstone)?;
    let stat = rustix::fs::fstat(&root)?;
    if buried.same(&Seen { stat }) { Ok(root) } else { Err(Errno::NOENT) }
}

/// Whether both are the same directory.
fn same(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> rustix::io::Result<bool> {
    let (one, other) = (rustix::fs::fstat(one)?, rustix::fs::fstat(other)?);
    Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

fn about(what: &str, path: &Path, error: Errno) -> io::Error {
    let error = io::Error::from(error);
    io::Error::new(error.kind(), format!("{what} {}: {error}", quoted(path)))
}
