//! Ends a program at one of its system calls: whatever a protocol's steps are, each begins with one.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

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
    run(command, false, stop)
}

/// As [`kill_at`], counting from where the program calls [`mark`].
///
/// # Errors
///
/// As [`kill_at`].
pub fn kill_past_mark(command: &mut Command, stop: u64) -> io::Result<Stepped> {
    run(command, true, stop)
}

/// Where [`kill_past_mark`] begins to count. Without a tracer it does nothing.
pub fn mark() {
    // SAFETY: the signal is ignored by default.
    unsafe { libc::raise(MARK) };
}

/// Nothing that is tested here has to do with it.
const MARK: i32 = libc::SIGURG;

/// How long a program may take.
const LIMIT: Duration = Duration::from_secs(120);

fn run(command: &mut Command, marked: bool, stop: u64) -> io::Result<Stepped> {
    // SAFETY: one system call between `fork` and `exec`, which touches no memory.
    unsafe {
        command.pre_exec(|| match libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        });
    }
    let mut child = command.spawn()?;
    let stepped = within(LIMIT, &child, || step(&child, marked, stop));
    if stepped.is_err() {
        let _ = child.kill();
    }
    // Whatever happened: no traced process is left.
    let _ = child.wait();
    stepped
}

/// Kills the child if `what` takes too long: it ends by that then, and `what` with it.
fn within<T>(limit: Duration, child: &Child, what: impl FnOnce() -> T) -> T {
    let pidfd = pidfd_open(Pid::from_child(child), PidfdFlags::empty());
    let (done, deadline) = mpsc::channel::<()>();
    thread::scope(|s| {
        s.spawn(move || {
            if deadline.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                eprintln!("a traced program took longer than {limit:?}");
                let _ = pidfd.and_then(|pidfd| pidfd_send_signal(pidfd, Signal::KILL));
            }
        });
        let value = what();
        drop(done);
        value
    })
}

fn step(child: &Child, marked: bool, stop: u64) -> io::Result<Stepped> {
    let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    wait(pid)?;
    ptrace(libc::PTRACE_SETOPTIONS, pid, libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL)?;
    let mut calls = 0;
    // The stop at `exec` is not to be delivered.
    let mut signal = 0;
    let mut counting = !marked;
    loop {
        let on = if counting { libc::PTRACE_SYSCALL } else { libc::PTRACE_CONT };
        ptrace(on, pid, signal)?;
        let status = wait(pid)?;
        if libc::WIFEXITED(status) || libc::WIFSIGNALED(status) {
            return Ok(Stepped::Ended(status));
        }
        signal = libc::WSTOPSIG(status);
        if signal == MARK && !counting {
            signal = 0;
            counting = true;
        } else if signal == libc::SIGTRAP | 0x80 {
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
