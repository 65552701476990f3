//! Where files come from and go to: what of it depends on the operating system.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::Error;
use super::tree::Directory;

/// The target, by its full path, if it can be made.
pub(super) fn new_target(target: &Path, source: &Path) -> Result<PathBuf, Error> {
    let cannot = |source: io::Error| Error::Target { path: target.to_owned(), source };
    let Some(name) = target.file_name() else {
        return Err(cannot(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path ends in no name",
        )));
    };
    // A dangling link is in the way as well.
    if fs::symlink_metadata(target).is_ok() {
        return Err(Error::TargetExists { path: target.to_owned() });
    }
    let parent = match target.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let parent = fs::canonicalize(parent)
        .map_err(|source| Error::Target { path: parent.to_owned(), source })?;
    if parent.starts_with(source) {
        return Err(Error::TargetInside { path: target.to_owned() });
    }
    Ok(parent.join(name))
}

/// A new directory of ours alone, on the same file system as the target.
pub(super) fn scratch_beside(target: &Path) -> Result<PathBuf, Error> {
    let parent = target.parent().unwrap_or(Path::new("/"));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".gzip_dir-").rand_bytes(22);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let scratch = builder
        .tempdir_in(parent)
        .map_err(|source| Error::Target { path: target.to_owned(), source })?;
    // From here on the caller's cleanup stands in for tempfile's.
    Ok(scratch.keep())
}

/// Removes the scratch directory, and what is in it.
pub(super) fn discard(scratch: &Path, directories: &[Directory]) -> io::Result<()> {
    // Some may have the source's permissions already, and be read-only.
    #[cfg(unix)]
    for Directory { path, .. } in directories {
        let writable = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        // One that was never made needs no permissions; else the removal tells.
        let _ = fs::set_permissions(scratch.join(path), writable);
    }
    #[cfg(not(unix))]
    let _ = directories;
    fs::remove_dir_all(scratch)
}

/// Renames a directory, to a name that nothing has.
pub(super) fn rename_new(scratch: &Path, target: &Path) -> Result<(), Error> {
    rename_exclusively(scratch, target).map_err(|source| {
        let path = target.to_owned();
        match source.kind() {
            io::ErrorKind::AlreadyExists => Error::TargetExists { path },
            _ => Error::Target { path, source },
        }
    })
}

/// A plain rename silently replaces an empty directory that somebody has made meanwhile.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_exclusively(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems cannot; it is as good as elsewhere then.
        Err(Errno::INVAL | Errno::NOSYS) => checked_rename(from, to),
        other => Ok(other?),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_exclusively(from: &Path, to: &Path) -> io::Result<()> {
    checked_rename(from, to)
}

fn checked_rename(from: &Path, to: &Path) -> io::Result<()> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(from, to)
}

/// Opens what was listed as a regular file, and still is one.
pub(super) fn open_regular(path: &Path) -> io::Result<(File, Metadata)> {
    let file = open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file any more"));
    }
    Ok((file, metadata))
}

/// Neither follows a link nor waits for the writer of a pipe.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Gives a compressed file the permissions and the time of the original.
pub(super) fn copy_attributes(original: &Metadata, copy: &File) -> io::Result<()> {
    if let Ok(time) = original.modified() {
        copy.set_modified(time)?;
    }
    copy.set_permissions(permissions(original))
}

/// Those of reading, writing and running: data that is compressed has no use for set-user-id.
#[cfg(unix)]
fn permissions(original: &Metadata) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(original.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn permissions(original: &Metadata) -> fs::Permissions {
    original.permissions()
}
