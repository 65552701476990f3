//! Opening without being led astray: no symbolic link is followed, no mount is crossed.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::{Errno, Result};
use rustix::path::Arg;

/// A descriptor to stand on: it needs no permission to read.
#[cfg(target_os = "linux")]
const STAND: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const STAND: OFlags = OFlags::RDONLY;

const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// How directories are opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opener {
    /// Whether there is `openat2`: kernels before 5.6 and some containers' filters are without.
    pub(super) openat2: bool,
}

impl Opener {
    pub(super) fn new() -> Self {
        static OPENAT2: OnceLock<bool> = OnceLock::new();
        Self { openat2: *OPENAT2.get_or_init(has_openat2) }
    }

    /// Opens the directory at an absolute path of which no part is a symbolic link.
    ///
    /// A link on the way is `ELOOP` or `ENOTDIR`. Mounts on the way are crossed: the path was
    /// canonical when it was noted.
    pub(super) fn directory(self, path: &Path) -> Result<OwnedFd> {
        #[cfg(target_os = "linux")]
        if self.openat2 {
            use rustix::fs::{CWD, ResolveFlags};
            return rustix::io::retry_on_intr(|| {
                rustix::fs::openat2(
                    CWD,
                    path,
                    STAND | DIRECTORY,
                    Mode::empty(),
                    ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
                )
            });
        }
        let mut directory = open("/", STAND | DIRECTORY)?;
        for component in path.components() {
            match component {
                Component::RootDir => {}
                Component::Normal(name) => {
                    directory = open_at(directory.as_fd(), name, STAND | DIRECTORY)?;
                }
                _ => return Err(Errno::INVAL),
            }
        }
        Ok(directory)
    }

    /// Opens a directory in `parent` for reading. `EXDEV` if something is mounted there.
    pub(super) fn child(self, parent: BorrowedFd<'_>, name: impl Arg + Copy) -> Result<OwnedFd> {
        self.child_with(parent, name, OFlags::RDONLY)
    }

    /// Like [`child`](Self::child), for one that may not be readable.
    #[cfg(target_os = "linux")]
    pub(super) fn child_to_stand_on(
        self,
        parent: BorrowedFd<'_>,
        name: impl Arg + Copy,
    ) -> Result<OwnedFd> {
        self.child_with(parent, name, STAND)
    }

    fn child_with(
        self,
        parent: BorrowedFd<'_>,
        name: impl Arg + Copy,
        access: OFlags,
    ) -> Result<OwnedFd> {
        #[cfg(target_os = "linux")]
        if self.openat2 {
            use rustix::fs::ResolveFlags;
            return rustix::io::retry_on_intr(|| {
                rustix::fs::openat2(
                    parent,
                    name,
                    access | DIRECTORY,
                    Mode::empty(),
                    ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV,
                )
            });
        }
        let child = open_at(parent, name, access | DIRECTORY)?;
        if is_mount(parent, child.as_fd())? { Err(Errno::XDEV) } else { Ok(child) }
    }
}

fn open(path: impl Arg + Copy, flags: OFlags) -> Result<OwnedFd> {
    rustix::io::retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()))
}

fn open_at(parent: BorrowedFd<'_>, name: impl Arg + Copy, flags: OFlags) -> Result<OwnedFd> {
    rustix::io::retry_on_intr(|| rustix::fs::openat(parent, name, flags, Mode::empty()))
}

#[cfg(target_os = "linux")]
fn has_openat2() -> bool {
    use rustix::fs::{CWD, ResolveFlags};
    // By trying: a filter may answer `ENOSYS` or `EPERM`.
    rustix::fs::openat2(CWD, "/", STAND | DIRECTORY, Mode::empty(), ResolveFlags::NO_SYMLINKS)
        .is_ok()
}

#[cfg(not(target_os = "linux"))]
fn has_openat2() -> bool {
    false
}

/// A descriptor that is only stood on takes no mode and no attributes, and no name can be bound to a
/// socket in it; its entry here does, and leads to the same file whatever its name is by now.
///
/// Not below `/proc/self`, which is the main thread's: that one may have ended.
pub(crate) fn by_number(fd: BorrowedFd<'_>) -> PathBuf {
    use std::os::fd::AsRawFd as _;

    PathBuf::from(format!("/proc/thread-self/fd/{}", fd.as_raw_fd()))
}

/// Whether `child`, just opened in `parent`, is the root of something mounted there. The device
/// numbers do not tell: a bind mount may have its parent's.
#[cfg(target_os = "linux")]
fn is_mount(parent: BorrowedFd<'_>, child: BorrowedFd<'_>) -> Result<bool> {
    use rustix::fs::{StatxAttributes, StatxFlags};

    if let Ok(stat) = rustix::fs::statx(child, "", AtFlags::EMPTY_PATH, StatxFlags::empty()) {
        if stat.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT) {
            return Ok(stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
        }
    }
    match (mount_id(parent), mount_id(child)) {
        (Some(parent), Some(child)) => Ok(parent != child),
        // Who cannot tell does not enter.
        _ => Err(Errno::OPNOTSUPP),
    }
}

/// Which mount a descriptor was opened on, for kernels before 5.8.
#[cfg(target_os = "linux")]
fn mount_id(fd: BorrowedFd<'_>) -> Option<u64> {
    use std::os::fd::AsRawFd as _;

    let info =
        std::fs::read_to_string(format!("/proc/thread-self/fdinfo/{}", fd.as_raw_fd())).ok()?;
    info.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok())
}

#[cfg(not(target_os = "linux"))]
fn is_mount(parent: BorrowedFd<'_>, child: BorrowedFd<'_>) -> Result<bool> {
    Ok(rustix::fs::fstat(parent)?.st_dev != rustix::fs::fstat(child)?.st_dev)
}

/// A thing as it was found under a name, held so that its inode number stays its own.
#[derive(Debug)]
pub(super) struct Seen {
    #[cfg(target_os = "linux")]
    pub(super) fd: OwnedFd,
    pub(super) stat: Stat,
}

impl Seen {
    pub(super) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }

    /// Whether it is a file that something was written to.
    pub(super) fn has_content(&self) -> bool {
        self.kind() == FileType::RegularFile && self.stat.st_size != 0
    }

    /// Whether both are the same thing.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn same(&self, other: &Self) -> bool {
        (self.stat.st_dev, self.stat.st_ino) == (other.stat.st_dev, other.stat.st_ino)
    }
}

/// What has this name in `parent`, itself where it is a symbolic link; `None` if nothing has.
pub(super) fn look(parent: BorrowedFd<'_>, name: &OsStr) -> Result<Option<Seen>> {
    #[cfg(target_os = "linux")]
    let seen = open_at(parent, name, STAND | OFlags::NOFOLLOW | OFlags::CLOEXEC)
        .and_then(|fd| Ok(Seen { stat: rustix::fs::fstat(&fd)?, fd }));
    #[cfg(not(target_os = "linux"))]
    let seen =
        rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| Seen { stat });
    match seen {
        Ok(seen) => Ok(Some(seen)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}
