//! Whether a file is the one that was committed.
//!
//! Device and inode number alone do not tell: a file system gives the number of a removed file to
//! the next one (50 of 50 times on ext4). Beside them stands, in this order of preference, a random
//! id in a user extended attribute, a file handle, the time of birth. A copy may carry the
//! attribute along, so that the time of birth is compared with it wherever it is known. A power cut
//! may leave the file without its attribute, which came later: handle and time of birth stand in then.

use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, Stat};
use rustix::io::Result;
use serde::{Deserialize, Serialize};

use super::open::Seen;
use super::random::Id;

/// Which file system a file is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Filesystem {
    device: u64,
    /// What the file system calls itself; zero if it has no such id. Device numbers may be dealt out
    /// anew by a reboot, this is not.
    id: u64,
}

impl Filesystem {
    pub(super) fn of(fd: BorrowedFd<'_>, stat: &Stat) -> Self {
        Self { device: device(stat), id: rustix::fs::fstatvfs(fd).map_or(0, |stat| stat.f_fsid) }
    }

    pub(super) fn is(self, other: Self) -> bool {
        if self.id != 0 && other.id != 0 {
            self.id == other.id
        } else {
            self.device == other.device
        }
    }
}

#[allow(clippy::unnecessary_cast, clippy::cast_sign_loss, reason = "the type is the system's")]
fn device(stat: &Stat) -> u64 {
    stat.st_dev as u64
}

#[allow(clippy::unnecessary_cast, reason = "the type is the system's")]
fn inode(stat: &Stat) -> u64 {
    stat.st_ino as u64
}

/// What tells a file from those that have its number later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Mark {
    /// A random id in a user extended attribute.
    Attribute(Id),
    /// The file handle: its type and bytes.
    Handle(i32, #[serde(with = "serde_bytes")] Vec<u8>),
    /// Both. After a power cut, a file may be on the disk and its attribute not.
    Both(Id, i32, #[serde(with = "serde_bytes")] Vec<u8>),
}

/// Which file it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    filesystem: Filesystem,
    inode: u64,
    kind: u32,
    mark: Option<Mark>,
    /// Seconds and nanoseconds.
    birth: Option<(i64, u32)>,
}

impl Identity {
    /// The identity of an open file, marking it if that is possible.
    pub(super) fn take(fd: BorrowedFd<'_>) -> Result<Self> {
        let stat = rustix::fs::fstat(fd)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        let mark = system::mark(fd, kind);
        let birth = system::birth(fd);
        if let (None, Some(birth)) = (&mark, birth) {
            system::outlive_the_tick(birth);
        }
        Ok(Self {
            filesystem: Filesystem::of(fd, &stat),
            inode: inode(&stat),
            kind: kind_number(kind),
            mark,
            birth,
        })
    }

    /// The first thing in which what was found differs from what was committed.
    #[cfg(target_os = "linux")]
    pub(super) fn difference(&self, found: &Seen) -> Result<Option<&'static str>> {
        use std::os::fd::AsFd as _;

        let fd = found.fd.as_fd();
        if self.kind != kind_number(found.kind()) {
            return Ok(Some("it is of another type than what was committed"));
        }
        if self.inode != inode(&found.stat) || !self.filesystem.is(Filesystem::of(fd, &found.stat))
        {
            return Ok(Some("another one is in its place (other inode)"));
        }
        let birth = system::birth(fd);
        if let (Some(committed), Some(found)) = (self.birth, birth) {
            if committed != found {
                return Ok(Some("another one is in its place (same inode, other time of birth)"));
            }
        }
        match &self.mark {
            Some(Mark::Attribute(id)) if !system::has_attribute(fd, &found.stat, *id)? => {
                Ok(Some("another one is in its place (same inode, other id)"))
            }
            Some(Mark::Handle(kind, handle)) if !system::has_handle(fd, *kind, handle)? => {
                Ok(Some("another one is in its place (same inode, other file handle)"))
            }
            Some(Mark::Both(id, kind, handle))
                if !(system::has_attribute(fd, &found.stat, *id)?
                    || birth.is_some()
                        && system::has_no_attribute(fd)?
                        && system::has_handle(fd, *kind, handle)?) =>
            {
                Ok(Some("another one is in its place (same inode, other id)"))
            }
            None if self.birth.is_none() || birth.is_none() => Ok(Some(
                "its file system offers neither extended attributes nor file handles nor times of \
                 birth, so it may be another one with the same inode number",
            )),
            _ => Ok(None),
        }
    }

    /// As where the file system does not tell it.
    #[cfg(all(test, target_os = "linux"))]
    pub(super) fn without_birth(self) -> Self {
        Self { birth: None, ..self }
    }

    /// As where the file system has neither attributes nor handles.
    #[cfg(all(test, target_os = "linux"))]
    pub(super) fn without_mark(self) -> Self {
        Self { mark: None, ..self }
    }

    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::unnecessary_wraps, reason = "as on Linux")]
    pub(super) fn difference(&self, found: &Seen) -> Result<Option<&'static str>> {
        let same = self.inode == inode(&found.stat) && self.kind == kind_number(found.kind());
        Ok(Some(if same {
            "it may be another one with the same inode number"
        } else {
            "another one is in its place"
        }))
    }
}

#[allow(clippy::useless_conversion, reason = "the type is the system's")]
fn kind_number(kind: FileType) -> u32 {
    u32::from(kind.as_raw_mode())
}

#[cfg(target_os = "linux")]
mod system {
    use std::os::fd::BorrowedFd;
    use std::thread;
    use std::time::{Duration, SystemTime};

    use rustix::fs::{AtFlags, FileType, Mode, Stat, StatxFlags, XattrFlags};
    use rustix::io::{Errno, Result};

    use super::super::{by_number, call, random};
    use super::{Id, Mark};

    const ATTRIBUTE: &str = "user.backstop.id";

    pub(super) fn mark(fd: BorrowedFd<'_>, kind: FileType) -> Option<Mark> {
        // The kernel refuses user attributes to all others.
        let takes_attributes = matches!(kind, FileType::RegularFile | FileType::Directory);
        let id = if takes_attributes { set_attribute(fd) } else { None };
        match (id, call::file_handle(fd).ok()) {
            (Some(id), Some((kind, handle))) => Some(Mark::Both(id, kind, handle)),
            (Some(id), None) => Some(Mark::Attribute(id)),
            (None, Some((kind, handle))) => Some(Mark::Handle(kind, handle)),
            (None, None) => None,
        }
    }

    pub(super) fn has_handle(fd: BorrowedFd<'_>, kind: i32, handle: &[u8]) -> Result<bool> {
        let (found_kind, found) = call::file_handle(fd)?;
        Ok((found_kind, &*found) == (kind, handle))
    }

    /// The id that the file has from now on. One that it already has stays: the other action that
    /// set it goes by it.
    fn set_attribute(fd: BorrowedFd<'_>) -> Option<Id> {
        let id = random::id().ok()?;
        let set = match rustix::fs::fsetxattr(fd, ATTRIBUTE, &id, XattrFlags::CREATE) {
            Err(Errno::BADF) => {
                rustix::fs::setxattr(by_number(fd), ATTRIBUTE, &id, XattrFlags::CREATE)
            }
            other => other,
        };
        match set {
            Ok(()) | Err(Errno::EXIST) => attribute(fd).ok()?,
            Err(_) => None,
        }
    }

    /// The id that the file has; `None` if it has none, or something else under its name.
    fn attribute(fd: BorrowedFd<'_>) -> Result<Option<Id>> {
        let mut id = Id::default();
        match read_attribute(fd, &mut id) {
            Ok(16) => Ok(Some(id)),
            Ok(_) | Err(Errno::NODATA | Errno::RANGE | Errno::OPNOTSUPP) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether nothing is there under the attribute's name.
    pub(super) fn has_no_attribute(fd: BorrowedFd<'_>) -> Result<bool> {
        match read_attribute(fd, &mut Id::default()) {
            Err(Errno::NODATA) => Ok(true),
            Ok(_) | Err(Errno::RANGE) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn read_attribute(fd: BorrowedFd<'_>, id: &mut Id) -> Result<usize> {
        match rustix::fs::fgetxattr(fd, ATTRIBUTE, &mut *id) {
            Err(Errno::BADF) => rustix::fs::getxattr(by_number(fd), ATTRIBUTE, id),
            other => other,
        }
    }

    /// Whether the file has this id. One that its owner, who we may be, may not read is made readable
    /// for that, and stays so only if it has.
    pub(super) fn has_attribute(fd: BorrowedFd<'_>, stat: &Stat, id: Id) -> Result<bool> {
        match attribute(fd) {
            Err(Errno::ACCESS) => {}
            found => return Ok(found? == Some(id)),
        }
        let mode = Mode::from_raw_mode(stat.st_mode);
        rustix::fs::chmod(by_number(fd), mode | Mode::RUSR)?;
        let found = attribute(fd);
        if found != Ok(Some(id)) {
            rustix::fs::chmod(by_number(fd), mode)?;
        }
        Ok(found? == Some(id))
    }

    pub(super) fn birth(fd: BorrowedFd<'_>) -> Option<(i64, u32)> {
        let stat = rustix::fs::statx(fd, "", AtFlags::EMPTY_PATH, StatxFlags::BTIME).ok()?;
        StatxFlags::from_bits_retain(stat.stx_mask)
            .contains(StatxFlags::BTIME)
            .then_some((stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec))
    }

    /// Waits until the clock of the file system has left the tick of this birth, for a file that
    /// has nothing but it. The inode number is not given away while the file is open, and what
    /// gets it later has a later birth.
    pub(super) fn outlive_the_tick((seconds, nanoseconds): (i64, u32)) {
        /// The longest tick (100 Hz), and the coarsest time of birth (10 ms on FAT).
        const TICK: Duration = Duration::from_millis(20);
        let birth = u64::try_from(seconds)
            .ok()
            .and_then(|s| SystemTime::UNIX_EPOCH.checked_add(Duration::new(s, nanoseconds)));
        if let Some(birth) = birth {
            // Without an end to wait for where the birth is in the future: another clock's.
            let age = SystemTime::now().duration_since(birth).unwrap_or_default();
            thread::sleep(TICK.saturating_sub(age));
        }
    }
}

/// Nothing but the number is asked for elsewhere: no action outlives its process there.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::os::fd::BorrowedFd;

    use rustix::fs::FileType;

    use super::Mark;

    pub(super) fn mark(_: BorrowedFd<'_>, _: FileType) -> Option<Mark> {
        None
    }

    pub(super) fn birth(_: BorrowedFd<'_>) -> Option<(i64, u32)> {
        None
    }

    pub(super) fn outlive_the_tick(_: (i64, u32)) {}
}
