//! Where a thing is: the directory, as it is really called, and the name in it.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::{env, fmt, fs};

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::identity::Filesystem;
use super::open::Opener;

/// A path as messages show it: on one line, whatever bytes it has.
pub(super) fn quoted<P: AsRef<Path> + ?Sized>(path: &P) -> impl fmt::Display {
    struct Quoted<'a>(&'a Path);
    impl fmt::Display for Quoted<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            fmt::Debug::fmt(self.0, f)
        }
    }
    Quoted(path.as_ref())
}

/// A name in a directory. Bytes, as paths are: they may have newlines, and need not be UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Absolute, without symbolic links.
    #[serde(with = "serde_bytes")]
    parent: Vec<u8>,
    #[serde(with = "serde_bytes")]
    name: Vec<u8>,
    /// The directory's, unless it is gone after a reboot.
    filesystem: Option<Filesystem>,
}

/// The directory of a place, when it is looked for again.
pub(super) enum Parent {
    Here(OwnedFd),
    Gone,
    /// Not the directory that it was.
    Replaced(String),
    /// Nor its file system.
    Hidden(String),
}

impl Place {
    /// Where `path` leads today.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let refuse = |why: &str| {
            Err(io::Error::new(ErrorKind::InvalidInput, format!("the path {} {why}", quoted(path))))
        };
        let bytes = path.as_os_str().as_bytes();
        if bytes.is_empty() {
            return refuse("is empty: name the thing to remove");
        }
        if bytes.contains(&0) {
            return refuse("has a NUL byte in it, which no name has");
        }
        if bytes.iter().all(|byte| *byte == b'/') {
            return refuse("is the root directory, which is nobody's to remove");
        }
        let (parent, name) = match bytes.iter().rposition(|byte| *byte == b'/') {
            None => (&b"."[..], bytes),
            Some(0) => (&b"/"[..], &bytes[1..]),
            Some(slash) => (&bytes[..slash], &bytes[slash + 1..]),
        };
        match name {
            b"" => return refuse("ends in `/`: leave the slash out"),
            b"." | b".." => return refuse("ends in `.` or `..`: name the directory itself"),
            _ => {}
        }
        if !path.has_root() {
            if let Err(error) = env::current_dir() {
                // Not as missing: what is there cannot be told.
                return Err(io::Error::new(
                    ErrorKind::InvalidInput,
                    format!(
                        "the path {} is relative and the current directory is gone ({error}): use \
                         an absolute path",
                        quoted(path)
                    ),
                ));
            }
        }
        let parent_path = Path::new(OsStr::from_bytes(parent));
        let no_parent = |error: io::Error| {
            let advice = match error.kind() {
                ErrorKind::NotFound => ": create it before the cleanup is registered",
                _ => "",
            };
            io::Error::new(
                error.kind(),
                format!(
                    "the directory {} of {} cannot be opened ({error}){advice}",
                    quoted(parent_path),
                    quoted(path)
                ),
            )
        };
        let parent = fs::canonicalize(parent_path).map_err(no_parent)?;
        let fd = Opener::new().directory(&parent).map_err(|error| no_parent(error.into()))?;
        Ok(Self {
            filesystem: lasting_filesystem(fd.as_fd()).map_err(|error| no_parent(error.into()))?,
            parent: parent.into_os_string().into_vec(),
            name: name.to_vec(),
        })
    }

    pub(super) fn parent(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.parent))
    }

    pub(super) fn name(&self) -> &OsStr {
        OsStr::from_bytes(&self.name)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.parent().join(self.name())
    }

    pub(super) fn open_parent(&self, opener: Opener) -> io::Result<Parent> {
        let parent = self.parent();
        match opener.directory(parent) {
            Ok(fd) => Ok(Parent::Here(fd)),
            Err(Errno::NOENT) => Ok(match self.nearest(opener) {
                Some(reason) => Parent::Hidden(reason),
                None => Parent::Gone,
            }),
            // Without `openat2`, a link is `ENOTDIR` too.
            Err(Errno::LOOP | Errno::NOTDIR) => Ok(Parent::Replaced(format!(
                "a part of {} is no directory any more: it was replaced by a symbolic link or a \
                 file",
                quoted(parent)
            ))),
            Err(error) => {
                let error = io::Error::from(error);
                Err(io::Error::new(
                    error.kind(),
                    format!("cannot open {}: {error}", quoted(parent)),
                ))
            }
        }
    }

    /// Why a thing that is not in `parent` may still be somewhere.
    pub(super) fn unmounted(&self, parent: BorrowedFd<'_>) -> Option<String> {
        let noted = self.filesystem?;
        let stat = rustix::fs::fstat(parent).ok()?;
        (!noted.is(Filesystem::of(parent, &stat))).then(|| {
            format!("the file system of {} is not mounted any more", quoted(self.parent()))
        })
    }

    /// The same where the directory is missing: what its nearest ancestor is on tells.
    fn nearest(&self, opener: Opener) -> Option<String> {
        let fd = self.parent().ancestors().skip(1).find_map(|path| opener.directory(path).ok())?;
        self.unmounted(fd.as_fd())
    }
}

/// The file system that a directory is on, unless what it holds is gone with the mount.
fn lasting_filesystem(fd: BorrowedFd<'_>) -> rustix::io::Result<Option<Filesystem>> {
    #[cfg(target_os = "linux")]
    {
        const TMPFS: u64 = 0x0102_1994;
        const RAMFS: u64 = 0x8584_58f6;
        #[allow(
            clippy::cast_sign_loss,
            clippy::unnecessary_cast,
            reason = "the type is the system's"
        )]
        let kind = rustix::fs::fstatfs(fd)?.f_type as u64 & 0xffff_ffff;
        if [TMPFS, RAMFS].contains(&kind) {
            return Ok(None);
        }
    }
    Ok(Some(Filesystem::of(fd, &rustix::fs::fstat(fd)?)))
}
