//! The processes of a cell, whoever their parent is.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::child::MARK;

/// A process that stays the same one, though its number be given away.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) number: Pid,
    handle: OwnedFd,
}

impl Process {
    pub(super) fn open(number: Pid) -> io::Result<Self> {
        let handle = pidfd_open(number, PidfdFlags::empty())?;
        Ok(Self { number, handle })
    }

    /// Sends a signal; false if the process has ended.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<bool> {
        match pidfd_send_signal(&self.handle, signal) {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for its end; false if it still runs then.
    pub(super) fn ends_before(&self, deadline: Instant) -> io::Result<bool> {
        is_ready(&[self.handle.as_fd()], deadline)
    }

    pub(super) fn handle(&self) -> &OwnedFd {
        &self.handle
    }

    /// The letter of its state and the number of its parent.
    fn look(&self) -> Option<(u8, i32)> {
        let stat = fs::read(format!("/proc/{}/stat", self.number.as_raw_nonzero())).ok()?;
        // Behind the name, which may contain anything, the last parenthesis.
        let behind = stat.iter().rposition(|byte| *byte == b')')? + 2;
        let mut fields = stat.get(behind..)?.split(|byte| *byte == b' ');
        let state = *fields.next()?.first()?;
        let parent = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
        Some((state, parent))
    }

    /// Whether it runs no more, but has not been waited for.
    fn is_dead(&self) -> bool {
        self.look().is_none_or(|(state, _)| matches!(state, b'Z' | b'X'))
    }

    pub(super) fn is_child_of(&self, parent: Pid) -> bool {
        self.look().is_some_and(|(_, number)| number == parent.as_raw_nonzero().get())
    }

    /// Stops it, and waits until it has stopped; a process that is stopped starts no other.
    pub(super) fn stop(&self, deadline: Instant) -> io::Result<()> {
        self.signal(Signal::STOP)?;
        while self.look().is_some_and(|(state, _)| !matches!(state, b'T' | b't' | b'Z' | b'X')) {
            // The kernel tells only the parent; it takes microseconds.
            if Instant::now() > deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            std::thread::yield_now();
        }
        Ok(())
    }
}

/// What kills the processes of all cells below a directory, if the run itself is ended.
pub(super) fn killer(directory: &Path) -> impl FnOnce() -> io::Result<()> + Send + use<> {
    let directory = directory.to_owned();
    move || kill_all(&directory, Instant::now() + Duration::from_secs(2))
}

/// Every living process of the cell in this directory, or of the cells below it.
pub(super) fn of_cell(directory: &Path) -> Vec<Process> {
    let is_below = |entry: &[u8]| {
        let path = entry.strip_prefix(MARK.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
        path.is_some_and(|path| Path::new(OsStr::from_bytes(path)).starts_with(directory))
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| number(&entry.file_name()))
        .filter_map(|number| {
            // The handle first: then the environment is that of the same process, or of none.
            let process = Process::open(number).ok()?;
            let path = format!("/proc/{}/environ", number.as_raw_nonzero());
            let environment = fs::read(path).ok()?;
            let is_of_cell = environment.split(|byte| *byte == 0).any(is_below);
            (is_of_cell && !process.is_dead()).then_some(process)
        })
        .collect()
}

fn number(name: &OsStr) -> Option<Pid> {
    Pid::from_raw(name.to_str()?.parse().ok()?)
}

/// Waits until no process of a cell is left; false if one still runs then.
pub(super) fn all_end(directory: &Path, deadline: Instant) -> io::Result<bool> {
    loop {
        let left = of_cell(directory);
        if left.is_empty() {
            return Ok(true);
        }
        for process in left {
            if !process.ends_before(deadline)? {
                return Ok(false);
            }
        }
    }
}

/// Kills all that is left of a cell, or of the cells below a directory, and waits for it.
pub(super) fn kill_all(directory: &Path, deadline: Instant) -> io::Result<()> {
    loop {
        let left = of_cell(directory);
        if left.is_empty() {
            return Ok(());
        }
        for process in &left {
            process.signal(Signal::KILL)?;
        }
        for process in &left {
            if !process.ends_before(deadline)? {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "a process cannot be killed"));
            }
        }
    }
}

/// Waits until one of these can be read; false if none can be then.
pub(super) fn is_ready(files: &[impl AsFd], deadline: Instant) -> io::Result<bool> {
    let mut polled: Vec<PollFd<'_>> =
        files.iter().map(|file| PollFd::new(file, PollFlags::IN)).collect();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        match poll(&mut polled, Some(&timeout)) {
            Ok(ready) => return Ok(ready > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
