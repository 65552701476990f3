//! The two system calls that rustix lacks.
#![allow(unsafe_code, reason = "rustix lacks these calls")]

use std::ffi::{c_int, c_long, c_uint};
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::ptr;

use rustix::io::{Errno, Result};
use rustix::process::Signal;

/// `MAX_HANDLE_SZ` of the kernel.
const HANDLE_BYTES: c_uint = 128;

/// `struct file_handle`, with room for the longest one.
#[repr(C)]
struct FileHandle {
    bytes: c_uint,
    kind: c_int,
    handle: [u8; HANDLE_BYTES as usize],
}

/// The file handle of an open thing: the inode number and its generation, which the file system
/// does not give to another file. Its type and its bytes.
pub(super) fn file_handle(fd: BorrowedFd<'_>) -> Result<(i32, Vec<u8>)> {
    let mut handle =
        FileHandle { bytes: HANDLE_BYTES, kind: 0, handle: [0; HANDLE_BYTES as usize] };
    let mut mount_id: c_int = 0;
    // SAFETY: the descriptor is open for the call; the path is an empty string, as AT_EMPTY_PATH
    // asks; `handle` is a `struct file_handle` with as many bytes behind it as its `bytes` says,
    // and `mount_id` an int: the kernel writes to no more than these.
    let result = unsafe {
        libc::syscall(
            libc::SYS_name_to_handle_at as c_long,
            fd.as_raw_fd(),
            c"".as_ptr(),
            &raw mut handle,
            &raw mut mount_id,
            libc::AT_EMPTY_PATH,
        )
    };
    if result < 0 {
        return Err(last_error());
    }
    let length = handle.bytes.min(HANDLE_BYTES) as usize;
    Ok((handle.kind, handle.handle[..length].to_vec()))
}

/// Signals the process group that the process behind `pidfd` leads or led (Linux 6.9; `EINVAL`
/// before): the group behind the descriptor, whoever has its number by now.
pub(crate) fn signal_group(pidfd: BorrowedFd<'_>, signal: Signal) -> Result<()> {
    send_to_group(pidfd, signal.as_raw())
}

/// Whether that group has members: `SRCH` if not. Errors as those of [`signal_group`].
pub(super) fn has_group(pidfd: BorrowedFd<'_>) -> Result<()> {
    send_to_group(pidfd, 0)
}

fn send_to_group(pidfd: BorrowedFd<'_>, signal: c_int) -> Result<()> {
    /// `PIDFD_SIGNAL_PROCESS_GROUP`
    const PROCESS_GROUP: c_uint = 1 << 2;
    // SAFETY: the descriptor is open for the call; a null `siginfo_t` is allowed, and nothing else
    // is passed by address.
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            ptr::null_mut::<libc::siginfo_t>(),
            PROCESS_GROUP,
        )
    };
    if result < 0 { Err(last_error()) } else { Ok(()) }
}

fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}
