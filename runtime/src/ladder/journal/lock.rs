//! The lock of a segment, which must not end before its process does.
//!
//! The kernel gives up an flock with the last reference to the open file. Descriptors are not enough:
//! a program that becomes a daemon closes all that it knows nothing of. So the file is mapped, too: a
//! mapping ends with the process or its `exec`, and a forked process inherits it.
//!
//! On overlayfs, which containers have, a mapping refers to the file beneath, whose lock this is not.
//! There, a thread has the file open in a descriptor table of its own, which closing all descriptors
//! does not reach. (A forked process has no such thread: its descriptors alone keep the lock then.)
#![allow(unsafe_code, reason = "a mapping and `close_range` have no safe form")]

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::mpsc::{self, Sender};
use std::thread;

use rustix::fs::{FlockOperation, flock, fstatfs};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::ladder::mask::with_signals_blocked;

/// What keeps the lock beside the descriptor, until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _mapping: Mapping,
    _keeper: Option<Keeper>,
}

impl Lock {
    /// Locks the file; [`Errno::WOULDBLOCK`] if somebody else has it.
    pub(super) fn take(file: &OwnedFd) -> Result<Self, Errno> {
        flock(file, FlockOperation::NonBlockingLockExclusive)?;
        let mapping = Mapping::new(file)?;
        let keeper = if is_overlay(file)? { Some(Keeper::start(file)?) } else { None };
        Ok(Self { _mapping: mapping, _keeper: keeper })
    }
}

fn is_overlay(file: &OwnedFd) -> Result<bool, Errno> {
    const OVERLAYFS: u32 = 0x794c_7630;
    #[allow(
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "the type differs by architecture; the kernel's numbers have 32 bits"
    )]
    let kind = fstatfs(file)?.f_type as u32;
    Ok(kind == OVERLAYFS)
}

/// A page of the file that nobody can read or write.
#[derive(Debug)]
struct Mapping {
    address: usize,
}

impl Mapping {
    const SIZE: usize = 1;

    fn new(file: impl AsFd) -> Result<Self, Errno> {
        // SAFETY: the kernel chooses a place that is free, and the page cannot be accessed: no
        // memory of the program changes, and no reference into it is ever made.
        let page = unsafe {
            mmap(ptr::null_mut(), Self::SIZE, ProtFlags::empty(), MapFlags::PRIVATE, file, 0)
        }?;
        Ok(Self { address: page.addr() })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let page: *mut c_void = ptr::without_provenance_mut(self.address);
        // SAFETY: the page is the one that was mapped, it is unmapped once, and nothing refers to it.
        let _ = unsafe { munmap(page, Self::SIZE) };
    }
}

/// The way to a thread that has nothing open but the file; it ends when this is dropped.
#[derive(Debug)]
struct Keeper {
    _end: Sender<()>,
}

impl Keeper {
    fn start(file: &OwnedFd) -> Result<Self, Errno> {
        let file = file.as_raw_fd();
        let (begun, result) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let hold = move || {
            let alone = keep_only(file);
            let goes_on = alone.is_ok();
            let _ = begun.send(alone);
            if goes_on {
                let _ = ended.recv();
            }
        };
        // A handler of the program's that writes to a pipe would not find it in that table.
        with_signals_blocked(|| thread::Builder::new().name("backstop-lock".into()).spawn(hold))
            .map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::AGAIN))?;
        result.recv().unwrap_or(Err(Errno::AGAIN))?;
        Ok(Self { _end: end })
    }
}

/// Gives this thread a descriptor table of its own, with `file` in it alone: what belongs to others
/// is not held open.
fn keep_only(file: RawFd) -> Result<(), Errno> {
    let file = u32::try_from(file).map_err(|_| Errno::BADF)?;
    if file > 0 {
        close_range(0, file - 1)?;
    }
    close_range(file + 1, u32::MAX)
}

fn close_range(first: u32, last: u32) -> Result<(), Errno> {
    // SAFETY: descriptors are closed in a table that is unshared by the same call, and that this
    // thread alone has: it uses none of them.
    let result =
        unsafe { libc::syscall(libc::SYS_close_range, first, last, libc::CLOSE_RANGE_UNSHARE) };
    if result == 0 {
        return Ok(());
    }
    Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::NOSYS))
}

#[cfg(test)]
mod tests;
