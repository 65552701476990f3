//! Where the journal is, and whether that place may be used.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::fs::DirBuilder;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, Stat, fstat, fstatfs, fsync, mkdirat, openat};
use rustix::io::Errno;
use rustix::process::geteuid;

/// The open directory of an application's journal.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) dir: OwnedFd,
    /// For messages: everything is opened relative to `dir`.
    pub(super) path: PathBuf,
    /// Other machines may have it mounted, too.
    pub(super) shared: bool,
}

/// An error of the journal, with what it was about.
pub(super) fn error(e: impl Into<io::Error>, about: impl Display) -> io::Error {
    let e = e.into();
    io::Error::new(e.kind(), format!("journal: {about}: {e}"))
}

fn refused(why: impl Display) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, format!("journal: {why}"))
}

impl Place {
    /// Opens the directory `path`, or the program's default one, and makes it if `create`.
    ///
    /// The directories above it are the user's to choose, links included; those that are ours, below
    /// the user's state directory, and the last one of `path`, are opened without following links.
    pub(super) fn open(path: Option<&Path>, create: bool) -> io::Result<Self> {
        // Its journal could be the caller's own work: with file capabilities, the user is the same.
        if super::secure::has_more_rights_than_its_caller() {
            return Err(refused(
                "a program that has more rights than its caller (set-user-id, file capabilities) \
                 can have none",
            ));
        }
        let (base, own) = match path {
            Some(path) => split(path)?,
            None => default_place()?,
        };
        if create {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&base)
                .map_err(|e| error(e, format_args!("cannot make {}", base.display())))?;
        }
        let cannot_open = |path: &Path, e| error(e, format_args!("cannot open {}", path.display()));
        let mut dir =
            openat(CWD, &base, DIRECTORY, Mode::empty()).map_err(|e| cannot_open(&base, e))?;
        let mut path = base;
        for name in own {
            path.push(&name);
            if create {
                make(&dir, &name)
                    .map_err(|e| error(e, format_args!("cannot make {}", path.display())))?;
            }
            dir = openat(&dir, &name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty()).map_err(
                // A link, with `O_DIRECTORY`, is "not a directory".
                |e| match e {
                    Errno::LOOP | Errno::NOTDIR => {
                        refused(format_args!("{} is a link or not a directory", path.display()))
                    }
                    e => cannot_open(&path, e),
                },
            )?;
            let stat = fstat(&dir).map_err(|e| cannot_open(&path, e))?;
            is_private(&stat).map_err(|why| refused(format_args!("{} {why}", path.display())))?;
        }
        let kind = fstatfs(&dir).map_err(|e| cannot_open(&path, e))?.f_type;
        #[allow(
            clippy::cast_sign_loss,
            clippy::cast_possible_truncation,
            reason = "the type differs by architecture; the kernel's numbers have 32 bits"
        )]
        let kind = Medium::of(kind as u32);
        if kind == Medium::Volatile {
            return Err(refused(format_args!(
                "{} is in memory (tmpfs), where nothing outlives a restart of the system: \
                 name another place with `journal = \"..\"`",
                path.display()
            )));
        }
        Ok(Self { dir, path, shared: kind == Medium::Shared })
    }
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Makes a directory of ours, durably, unless it is there.
fn make(parent: impl AsFd, name: &OsStr) -> io::Result<()> {
    match mkdirat(&parent, name, Mode::RWXU) {
        Ok(()) => Ok(fsync(&parent)?),
        Err(Errno::EXIST) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// Whether nobody else may change it.
pub(super) fn is_private(stat: &Stat) -> Result<(), String> {
    let us = geteuid().as_raw();
    if stat.st_uid != us {
        return Err(format!(
            "belongs to user {}, and not to user {us}, who runs this",
            stat.st_uid
        ));
    }
    if stat.st_mode & 0o022 != 0 {
        return Err(format!(
            "can be written by others (mode {:o}): take that away with `chmod go-w`",
            stat.st_mode & 0o7777
        ));
    }
    Ok(())
}

/// A path that the user named: the directory that it is in, and its name.
fn split(path: &Path) -> io::Result<(PathBuf, Vec<OsString>)> {
    let path = std::path::absolute(path)
        .map_err(|e| error(e, format_args!("cannot find {}", path.display())))?;
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok((parent.to_owned(), vec![name.to_owned()])),
        _ => Err(refused(format_args!("{} does not end in a name", path.display()))),
    }
}

/// `$XDG_STATE_HOME/backstop/<program>`, else `~/.local/state/backstop/<program>`.
fn default_place() -> io::Result<(PathBuf, Vec<OsString>)> {
    // Relative ones are to be ignored: XDG Base Directory Specification.
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_STATE_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".local/state")))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "journal: neither XDG_STATE_HOME nor HOME is an absolute path: set one, or name a \
                 place with `journal = \"..\"`",
            )
        })?;
    Ok((base, vec!["backstop".into(), program()?]))
}

/// The name of the program's file.
fn program() -> io::Result<OsString> {
    let file = env::current_exe().map_err(|e| error(e, "cannot tell the program's name"))?;
    let name = file.file_name().ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, "journal: the program's file has no name")
    })?;
    // As the kernel shows a program that was replaced by an upgrade while it runs.
    let name = name.as_bytes();
    Ok(OsStr::from_bytes(name.strip_suffix(b" (deleted)").unwrap_or(name)).to_owned())
}

/// What a filesystem is made of, by its number in `linux/magic.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Medium {
    Local,
    Shared,
    Volatile,
}

impl Medium {
    fn of(magic: u32) -> Self {
        match magic {
            // tmpfs, ramfs, hugetlbfs
            0x0102_1994 | 0x8584_58f6 | 0x9584_58f6 => Self::Volatile,
            // NFS, SMB, SMB2, CIFS, 9P, FUSE, Ceph, AFS, Coda, OCFS2, GFS2, Lustre
            0x6969 | 0x517b | 0xfe53_4d42 | 0xff53_4d42 | 0x0102_1997 | 0x6573_5546
            | 0x00c3_6400 | 0x5346_414f | 0x7375_7245 | 0x7461_636f | 0x0116_1970 | 0x0bd0_0bd0 => {
                Self::Shared
            }
            _ => Self::Local,
        }
    }
}
