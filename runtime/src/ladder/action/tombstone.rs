//! Renaming a thing to its tombstone and back, without replacing what has the name.

use std::ffi::OsStr;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType, Mode};
use rustix::io::Errno;

use super::open;

/// Renames a thing to its tombstone. `EXIST` if there is one already.
pub(super) fn bury(
    parent: BorrowedFd<'_>,
    name: &OsStr,
    tombstone: &OsStr,
) -> rustix::io::Result<()> {
    match rename_to_free(parent, name, tombstone) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            // Nobody but another performer knows the new name: what this may replace in between is
            // the empty directory of a removal that is at its end.
            if open::look(parent, tombstone)?.is_some() {
                return Err(Errno::EXIST);
            }
            rustix::fs::renameat(parent, name, parent, tombstone)
        }
        other => other,
    }
}

/// Renames a tombstone to the thing's name, if that is free.
pub(super) fn unbury(
    parent: BorrowedFd<'_>,
    tombstone: &OsStr,
    name: &OsStr,
    kind: FileType,
) -> rustix::io::Result<()> {
    match rename_to_free(parent, tombstone, name) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            unbury_in_steps(parent, tombstone, name, kind)
        }
        other => other,
    }
}

/// Where a rename cannot spare what has the name: taking the name is what fails then.
pub(super) fn unbury_in_steps(
    parent: BorrowedFd<'_>,
    tombstone: &OsStr,
    name: &OsStr,
    kind: FileType,
) -> rustix::io::Result<()> {
    if kind == FileType::Directory {
        rustix::fs::mkdirat(parent, name, Mode::RWXU)?;
        // Replaces the directory just made, and only if it is still empty.
        rustix::fs::renameat(parent, tombstone, parent, name)
    } else {
        rustix::fs::linkat(parent, tombstone, parent, name, AtFlags::empty())?;
        rustix::fs::unlinkat(parent, tombstone, AtFlags::empty())
    }
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn rename_to_free(parent: BorrowedFd<'_>, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
    rustix::fs::renameat_with(parent, from, parent, to, rustix::fs::RenameFlags::NOREPLACE)
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn rename_to_free(_: BorrowedFd<'_>, _: &OsStr, _: &OsStr) -> rustix::io::Result<()> {
    Err(Errno::NOSYS)
}
