//! The ways to end for which Rust has no safe call.
#![allow(unsafe_code, reason = "they are what the matrix is about")]

use std::io;
use std::process;
use std::ptr;

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
use rustix::process::{Pid, WaitOptions, setsid, waitpid};
use rustix::thread::{UnshareFlags, unshare_unsafe};

pub(super) fn exit_at_once(code: i32) -> ! {
    // SAFETY: it takes any code.
    unsafe { libc::_exit(code) }
}

pub(super) fn write_where_it_is_forbidden() -> io::Result<()> {
    const PAGE: usize = 4096;
    // SAFETY: a new mapping, which overlaps nothing.
    let page =
        unsafe { mmap_anonymous(ptr::null_mut(), PAGE, ProtFlags::empty(), MapFlags::PRIVATE)? };
    // SAFETY: aligned, and in a mapping of ours; the processor refuses it, which is the point.
    unsafe { page.cast::<u8>().write_volatile(1) };
    Ok(())
}

/// Makes this process a daemon's: what goes on is its grandchild, which `setsid` has freed.
pub(super) fn double_fork() -> io::Result<()> {
    if fork()?.is_some() {
        exit_at_once(0);
    }
    setsid()?;
    if fork()?.is_some() {
        exit_at_once(0);
    }
    Ok(())
}

/// Forks a child that runs the `atexit` handlers and ends, and waits for it.
pub(super) fn fork_a_child_that_exits() -> io::Result<()> {
    match fork()? {
        Some(child) => waitpid(Some(child), WaitOptions::empty()).map(drop).map_err(Into::into),
        None => process::exit(0),
    }
}

/// The child's number, in the parent.
fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: of the threads of this process only this one goes on in the child, and what it runs
    // there takes no lock that another may hold: the allocator's are reset by libc.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        child => Ok(Pid::from_raw(child)),
    }
}

/// Gives this process, or its children, namespaces of their own.
pub(super) fn unshare(namespaces: UnshareFlags) -> io::Result<()> {
    // SAFETY: descriptors, the one thing that safe code could miss, stay shared.
    unsafe { unshare_unsafe(namespaces) }.map_err(Into::into)
}

/// Gives the signals of the matrix their default actions: an ignored one stays so through `exec`.
pub(super) fn restore_signals() {
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the default action is a valid one for these.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}
