//! As whom a process runs, and what it may do: who performs an action for it must not
//! do what it could not.

use std::fmt;
use std::fs;

use rustix::process::{Gid, Uid};

/// The user and group of this thread. What a message to the reaper carries are the real ones, and what
/// opens files are the effective ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct User {
    uid: (Uid, Uid),
    gid: (Gid, Gid),
}

impl User {
    pub(crate) fn current() -> Self {
        use rustix::process::{getegid, geteuid, getgid, getuid};
        Self { uid: (getuid(), geteuid()), gid: (getgid(), getegid()) }
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((user, acting_user), (group, acting_group)) = (self.uid, self.gid);
        write!(f, "user {user} and group {group}")?;
        if user == acting_user && group == acting_group {
            return Ok(());
        }
        write!(f, " (effectively {acting_user} and {acting_group})")
    }
}

/// The lines of `/proc/thread-self/status` that say what the calling thread may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rights(Vec<String>);

impl Rights {
    /// `None` if they cannot be read.
    pub(crate) fn of_this_thread() -> Option<Self> {
        const NAMES: [&str; 6] =
            ["CapPrm:", "CapEff:", "CapBnd:", "NoNewPrivs:", "Seccomp:", "Seccomp_filters:"];
        let status = fs::read_to_string("/proc/thread-self/status").ok()?;
        let told = status.lines().filter(|line| NAMES.iter().any(|name| line.starts_with(name)));
        Some(Self(told.map(str::to_owned).collect()))
    }
}
