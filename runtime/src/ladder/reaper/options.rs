//! How a reaper is started: what the user may choose.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::{client, init, log, start, system};

/// What the reaper does when the owner has ended and a fork of it still holds the channel.
///
/// Needs the feature `process`; Linux only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OnFork {
    /// Waits until the last fork has ended, for it may be using what is registered.
    #[default]
    Wait,
    /// Cleans up at once.
    Reap,
}

/// A reaper that is to be started, and its options.
///
/// Needs the feature `process`; Linux only.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use backstop::reaper::{Builder, OnFork};
///
/// # fn main() -> std::io::Result<()> {
/// Builder::new()
///     .helper("/usr/libexec/backup/backstop-reaper")
///     .log("/var/log/backup/reaper.log")
///     .action_deadline(Duration::from_secs(60))
///     .on_fork(OnFork::Reap)
///     .start()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `start`"]
pub struct Builder {
    pub(super) helper: Option<PathBuf>,
    pub(super) on_fork: OnFork,
    pub(super) log: Log,
    pub(super) action_deadline: Duration,
    pub(super) deadline: Duration,
    pub(super) acknowledged: bool,
}

/// Where the result log goes.
#[derive(Debug, Clone)]
pub(super) enum Log {
    Default,
    Nowhere,
    At(PathBuf),
}

impl Log {
    pub(super) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Default => log::default_path(),
            Self::Nowhere => None,
            Self::At(path) => std::path::absolute(path).ok(),
        }
    }
}

impl Builder {
    /// A reaper with the default options.
    pub fn new() -> Self {
        Self {
            helper: None,
            on_fork: OnFork::Wait,
            log: Log::Default,
            action_deadline: Duration::from_secs(10),
            deadline: Duration::from_secs(1),
            acknowledged: false,
        }
    }

    /// Where the helper program is. The default is `backstop-reaper` in the directory of the
    /// running program; neither `PATH` nor any other variable is looked at.
    pub fn helper(mut self, path: impl Into<PathBuf>) -> Self {
        self.helper = Some(path.into());
        self
    }

    /// What happens when the program has ended and a fork of it lives on. The default is to wait.
    pub fn on_fork(mut self, on_fork: OnFork) -> Self {
        self.on_fork = on_fork;
        self
    }

    /// Where the reaper writes what it did, one line an action. The default is
    /// `backstop/PROGRAM/reaper.log` in the user's state directory (`$XDG_STATE_HOME`, else
    /// `~/.local/state`). Past 256 KiB the file is renamed to `reaper.log.1`, which is replaced. It
    /// must be a regular file of the user's own, and is made if it does not exist.
    ///
    /// The log is made only once there is something to say: not for a program that ended well.
    pub fn log(mut self, path: impl Into<PathBuf>) -> Self {
        self.log = Log::At(path.into());
        self
    }

    /// Writes no log.
    pub fn without_log(mut self) -> Self {
        self.log = Log::Nowhere;
        self
    }

    /// How long one action may take before the reaper goes on to the next one; by default 10
    /// seconds. A late action goes on beside the others, and once all others are done it has ten
    /// times this long until the reaper gives it up.
    pub fn action_deadline(mut self, deadline: Duration) -> Self {
        self.action_deadline = deadline;
        self
    }

    /// How long a registration waits for a reaper that takes no messages (one that is stopped, or is
    /// just being replaced) before it is an error; by default one second.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Whether each registration waits until the reaper has acknowledged it. By default it does not:
    /// a registration is safe from the end of this process as soon as it has been written. The
    /// acknowledgement only tells that the reaper lives, which [`check`](super::check) asks, too.
    pub fn acknowledged(mut self, acknowledged: bool) -> Self {
        self.acknowledged = acknowledged;
        self
    }

    /// Starts the reaper from the helper program.
    ///
    /// # Errors
    ///
    /// As [`start`](super::start).
    pub fn start(self) -> io::Result<()> {
        if init::is_process_1() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "this is process 1 of a container, whose end is its reaper's, too: run it under an \
                 init (`docker run --init`)",
            ));
        }
        let program = start::Program::helper(self.helper.as_deref())?;
        client::start(self, program, true)
    }

    /// Starts the reaper by executing this program again, whose `main` calls
    /// [`if_reaper_then_serve`](super::if_reaper_then_serve) first of all. It is not waited for: two
    /// executions take longer than most programs may take to start.
    pub(crate) fn start_from_main(self) -> io::Result<()> {
        system::refuse_privileges()?;
        client::start(self, start::Program::this(), false)
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}
