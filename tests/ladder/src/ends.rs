//! Waiting for ends, with a deadline: of a process, and of all who hold a pipe.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};

/// For what takes milliseconds, on a machine that is busy.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// Waits until the descriptor is readable, or has come to its end.
///
/// # Panics
///
/// If that does not come: `what` says what was waited for.
#[track_caller]
pub fn wait_readable(fd: BorrowedFd<'_>, what: &str) {
    let end = Instant::now() + DEADLINE;
    loop {
        let rest = end.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(rest).expect("seconds");
        match poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => panic!("{what} did not come within {DEADLINE:?}"),
            Ok(_) => return,
            Err(Errno::INTR) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// A process that somebody else started.
#[derive(Debug)]
pub struct Process(Option<OwnedFd>);

impl Process {
    /// The process of that number; one that has ended already is as good.
    #[must_use]
    pub fn of(pid: i32) -> Self {
        let pid = Pid::from_raw(pid);
        Self(pid.and_then(|pid| rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()))
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// If it does not end.
    #[track_caller]
    pub fn wait(&self, what: &str) {
        if let Some(pidfd) = &self.0 {
            wait_readable(pidfd.as_fd(), what);
        }
    }

    /// Ends it by SIGKILL.
    pub fn kill(&self) {
        if let Some(pidfd) = &self.0 {
            let _ = rustix::process::pidfd_send_signal(pidfd, Signal::KILL);
        }
    }
}

/// Reads a pipe to its end, which comes when the last process that could write to it is gone.
///
/// # Errors
///
/// If it cannot be read.
///
/// # Panics
///
/// If the end does not come: `what` says whose.
#[track_caller]
pub fn read_to_end(mut pipe: impl Read + AsFd, what: &str) -> io::Result<String> {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        wait_readable(pipe.as_fd(), what);
        match pipe.read(&mut buffer)? {
            0 => return Ok(String::from_utf8_lossy(&text).into_owned()),
            read => text.extend(&buffer[..read]),
        }
    }
}
