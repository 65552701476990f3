//! Ends a program at one of its system calls: whatever a protocol's steps are, each begins with one.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};

/// How a program that was to be killed at a system call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepped {
    /// It was killed at the call.
    Killed,
    /// It ended before, with this wait status.
    Ended(i32),
}

/// Runs `command` and kills it with SIGKILL where its main thread enters (odd) or leaves (even) its
/// `stop`th half of a system call, the first being 1. Its other threads and its children run free
/// until then.
///
/// # Errors
///
/// If the program cannot be started or traced.
pub fn kill_at(command: &mut Command, stop: u64) -> io::Result<Stepped> {
    // SAFETY: one system call between `fork` and `exec`, which touches no memory.
    unsafe {
        command.pre_exec(|| match libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        });
    }
    let mut child = command.spawn()?;
    let stepped = step(&child, stop);
    if stepped.is_err() {
        let _ = child.kill();
    }
    // Whatever happened: no traced process is left.
    let _ = child.wait();
    stepped
}

fn step(child: &Child, stop: u64) -> io::Result<Stepped> {
    let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    wait(pid)?;
    ptrace(libc::PTRACE_SETOPTIONS, pid, libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL)?;
    let mut calls = 0;
    // The stop at `exec` is not to be delivered.
    let mut signal = 0;
    loop {
        ptrace(libc::PTRACE_SYSCALL, pid, signal)?;
        let status = wait(pid)?;
        if libc::WIFEXITED(status) || libc::WIFSIGNALED(status) {
            return Ok(Stepped::Ended(status));
        }
        signal = libc::WSTOPSIG(status);
        if signal == libc::SIGTRAP | 0x80 {
            signal = 0;
            calls += 1;
            if calls == stop {
                // SAFETY: a signal to a child that has not been waited for.
                unsafe { libc::kill(pid, libc::SIGKILL) };
                return Ok(Stepped::Killed);
            }
        }
    }
}

fn wait(pid: libc::pid_t) -> io::Result<i32> {
    let mut status = 0;
    // SAFETY: `status` is a place for the result.
    match unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(status),
    }
}

fn ptrace(request: libc::c_uint, pid: libc::pid_t, data: i32) -> io::Result<()> {
    // SAFETY: none of the requests made here reads or writes this process's memory.
    match unsafe { libc::ptrace(request, pid, 0, libc::c_long::from(data)) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
