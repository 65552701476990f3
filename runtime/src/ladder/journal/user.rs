//! As whom this process runs.

use std::io;

use rustix::process::{Gid, Uid, getegid, geteuid, getgid, getuid};

/// The real and the effective user and group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct User {
    users: (Uid, Uid),
    groups: (Gid, Gid),
}

impl User {
    pub(super) fn current() -> Self {
        Self { users: (getuid(), geteuid()), groups: (getgid(), getegid()) }
    }

    /// An error where this process, which was this user, is another one now.
    ///
    /// Asked for each registration, and by the thread that registers, as a raw system call changes
    /// that one alone: four calls are nothing beside a synchronous write.
    pub(super) fn permit(self) -> io::Result<()> {
        let now = Self::current();
        if now == self {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "journal: this process ran as user {} and group {} when it opened the journal, and \
                 runs as {} and {} now: the next start must not act for it; open the journal after \
                 the change",
                self.users.1.as_raw(),
                self.groups.1.as_raw(),
                now.users.1.as_raw(),
                now.groups.1.as_raw()
            ),
        ))
    }
}
