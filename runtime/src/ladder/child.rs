//! Child processes that cannot outlive this one.

mod spawner;

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open,
    pidfd_send_signal, waitid,
};

use super::action::{Action, signal_group};
use super::entry::Entry;
use super::reaper::Watchful;
use super::survives::Keepers;
use crate::site::Site;

/// How long dropping a [`Child`] waits for the kernel to end what it has killed.
const END: Duration = Duration::from_secs(1);

/// Starts a program that cannot outlive this process.
///
/// Needs the feature `process`; Linux only.
///
/// The child leads a process group of its own, and it ends, at the latest, with this process:
///
/// * The [`Child`] is dropped, on whatever way out: the group is killed, and the child is waited for.
/// * This process exits or is aborted: the exit hook kills the group.
/// * This process is killed: the kernel kills the child (`PR_SET_PDEATHSIG`, tied to a thread that
///   lives as long as the process), from the first instant on, with or without a reaper. If a reaper
///   runs, it kills the rest of the group, of which it knows before the program begins. (Before Linux
///   6.9, it does not if somebody has waited for the child by then.)
///
/// The child is started by a thread that lives as long as the process, the first caller's copy in what
/// the system keeps for each thread alone: scheduling, CPU affinity, capabilities. A caller in other
/// namespaces than that thread is refused: the child would not be in the caller's.
///
/// What the child starts in other process groups or sessions is out of reach. A set-user-ID program
/// loses the kernel's promise, and keeps the others. Linux 5.4 or later.
///
/// # Errors
///
/// As [`Command::spawn`]; also if the kernel has no pidfds, the calling thread is in namespaces of its
/// own, or the reaper is not to be reached: the child has been ended then.
///
/// # Examples
///
/// ```
/// use std::process::Command;
///
/// let mut command = Command::new("sh");
/// command.args(["-c", "sleep 1000 & sleep 1000"]);
/// let child = backstop::process::spawn(command)?;
/// drop(child); // all three are gone
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
pub fn spawn(mut command: Command) -> io::Result<Child> {
    let site = Site::here("process::spawn");
    command.process_group(0);
    let (mut inner, (pidfd, entry)) = spawner::spawn(command, |number| hold(site, number))?;
    Ok(Child {
        stdin: inner.stdin.take(),
        stdout: inner.stdout.take(),
        stderr: inner.stderr.take(),
        inner,
        pidfd,
        entry: Some(entry),
        status: None,
    })
}

/// A pidfd of the child, and the registration that ends its group with this process.
fn hold(site: &'static Site, child: u32) -> io::Result<(Watchful, Entry)> {
    let pid =
        i32::try_from(child).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
    let pidfd = Watchful::new(&pidfd_open(pid, PidfdFlags::empty())?)?;
    let action = Action::kill_process_group(child).at_once().prepare()?;
    Ok((pidfd, Entry::register(site, action, true, Keepers::reaper())?))
}

/// A child process that ends when this is dropped, and with this process.
///
/// Needs the feature `process`; Linux only.
///
/// Made by [`spawn`].
///
/// # Examples
///
/// ```
/// use std::process::Command;
/// use std::time::Duration;
///
/// let mut command = Command::new("sleep");
/// command.arg("1000");
/// let mut child = backstop::process::spawn(command)?;
///
/// // It has not ended by itself, and is asked to: by SIGTERM, which `sleep` does not survive.
/// assert_eq!(child.wait_timeout(Duration::from_millis(1))?, None);
/// let status = child.terminate(Duration::from_secs(60))?;
/// assert!(!status.success());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Child {
    /// The child's standard input, if it was [piped](std::process::Stdio::piped).
    pub stdin: Option<ChildStdin>,
    /// The child's standard output, if it was piped.
    pub stdout: Option<ChildStdout>,
    /// The child's standard error, if it was piped.
    pub stderr: Option<ChildStderr>,
    inner: std::process::Child,
    pidfd: Watchful,
    entry: Option<Entry>,
    status: Option<ExitStatus>,
}

impl Child {
    /// The process id, which is also that of its group. It is not used again by the system before
    /// this child has been waited for.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.inner.id()
    }

    /// Waits until the child has ended. What is left of its group is killed then, as with a drop.
    ///
    /// Closes [`stdin`](Self::stdin) first, so that a child that reads to its end does not wait for
    /// its parent.
    ///
    /// # Errors
    ///
    /// If the system refuses to wait.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        drop(self.stdin.take());
        while !self.has_ended(None)? {}
        self.end()
    }

    /// Waits until the child has ended, for `limit` at most; `None` if it has not.
    ///
    /// # Errors
    ///
    /// If the system refuses to wait.
    pub fn wait_timeout(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        if self.has_ended(Some(limit))? { self.end().map(Some) } else { Ok(None) }
    }

    /// The status, if the child has ended already.
    ///
    /// # Errors
    ///
    /// If the system refuses to look.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.wait_timeout(Duration::ZERO)
    }

    /// Sends SIGTERM to the group, waits for `grace` at most, and kills what is left.
    ///
    /// # Errors
    ///
    /// If the system refuses to signal or to wait.
    pub fn terminate(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.has_ended(Some(grace))?;
        self.end()
    }

    /// Kills the group and waits for the child.
    ///
    /// # Errors
    ///
    /// If the system refuses to signal or to wait.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.end()
    }

    /// The child's pidfd, opened anew if the program has closed it. Until it is waited for here, the
    /// number is the child's.
    fn pidfd(&mut self) -> io::Result<BorrowedFd<'_>> {
        if self.pidfd.intact().is_none() {
            let pidfd = pidfd_open(Pid::from_child(&self.inner), PidfdFlags::empty())?;
            self.pidfd = Watchful::new(&pidfd)?;
        }
        Ok(self.pidfd.as_fd())
    }

    fn has_ended(&mut self, limit: Option<Duration>) -> io::Result<bool> {
        if self.status.is_some() {
            return Ok(true);
        }
        let pidfd = self.pidfd()?;
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            // A wait that cannot be expressed is one without an end.
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], left.as_ref()) {
                Ok(ready) => return Ok(ready > 0),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// To the whole group.
    fn signal(&mut self, signal: Signal) -> io::Result<()> {
        if self.status.is_some() {
            return Ok(());
        }
        let sent = match signal_group(self.pidfd()?, signal) {
            // Before Linux 6.9, by number, which nobody else's group has while the child is there.
            // Not for longer: where `SIGCHLD` is ignored, or another thread waits for all children,
            // it may be given away already.
            Err(Errno::INVAL) if self.is_there()? => {
                kill_process_group(Pid::from_child(&self.inner), signal)
            }
            Err(Errno::INVAL) => Ok(()),
            sent => sent,
        };
        match sent {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            // A member that changed its user; the leader at least is ours.
            Err(Errno::PERM) => Ok(pidfd_send_signal(self.pidfd()?, signal)?),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether nobody has waited for the child yet.
    fn is_there(&mut self) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let pidfd = self.pidfd()?;
        match rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(pidfd), options)) {
            Ok(_) => Ok(true),
            Err(Errno::CHILD) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Kills the group, withdraws its registration, and only then lets the number go.
    fn end(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        self.signal(Signal::KILL)?;
        if !self.has_ended(Some(END))? {
            let text = format!("process {} was killed and has not ended yet", self.id());
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        drop(self.entry.take());
        let status = self.inner.wait()?;
        self.status = Some(status);
        Ok(status)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.end().is_err() {
            // It stays registered with whoever outlives this process, if it cannot be ended now.
            if let Some(entry) = self.entry.take() {
                entry.leave();
            }
        }
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("id", &self.id())
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
