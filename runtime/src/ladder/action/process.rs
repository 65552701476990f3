//! Ending a process, or a process group, if it is surely the one that was meant.
//!
//! A pid is given away again. Which process it was is told by its start time, the boot and the pid
//! namespace; and only a child of this process is taken, before it was waited for: a pid from
//! anywhere else may already be another one's.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions};
use serde::{Deserialize, Serialize};

#[cfg(not(target_os = "linux"))]
use self::elsewhere as system;
#[cfg(target_os = "linux")]
use self::linux as system;
use super::Performed;
use super::deadline::Deadline;

/// What is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reach {
    Process,
    /// The whole group that the process leads.
    Group,
}

/// The end of a process that another process can bring about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kill {
    reach: Reach,
    pid: u32,
    subject: Subject,
    /// Whether it is killed without being asked first.
    pub(super) at_once: bool,
}

/// What the pid stood for when the action was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Subject {
    Alive(Identity),
    /// Nothing.
    Ended,
    /// Something that is not ours, for this reason.
    Foreign(String),
    /// It could not be found out, for this reason.
    Unknown(String),
}

impl Kill {
    pub(super) fn new(reach: Reach, pid: u32) -> Self {
        Self { reach, pid, subject: subject(reach, pid), at_once: false }
    }

    /// What can be found wrong beforehand.
    pub(super) fn check(&self) -> io::Result<()> {
        match &self.subject {
            Subject::Alive(_) | Subject::Ended => Ok(()),
            Subject::Foreign(why) => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{self}: {why}")))
            }
            Subject::Unknown(why) => Err(io::Error::other(format!("{self}: {why}"))),
        }
    }

    /// A descriptor of the leader of the group, if it is still there.
    pub(super) fn leader(&self) -> Option<OwnedFd> {
        match &self.subject {
            Subject::Alive(identity) if self.reach == Reach::Group => system::leader(*identity),
            _ => None,
        }
    }

    /// `leader` is what [`leader`](Self::leader) returned, if anything did.
    pub(super) fn perform(
        &self,
        leader: Option<BorrowedFd<'_>>,
        deadline: Deadline,
    ) -> io::Result<Performed> {
        match &self.subject {
            Subject::Alive(identity) => match system::end(self, *identity, leader, deadline) {
                Ok(Performed::LeftAlone(why)) => {
                    Ok(Performed::LeftAlone(format!("{self} is left alone: {why}")))
                }
                Ok(performed) => Ok(performed),
                Err(error) => {
                    Err(io::Error::new(error.kind(), format!("cannot end {self}: {error}")))
                }
            },
            Subject::Ended => Ok(Performed::Gone),
            Subject::Foreign(why) => {
                Ok(Performed::LeftAlone(format!("{self} is left alone: {why}")))
            }
            Subject::Unknown(why) => Err(io::Error::other(format!("cannot end {self}: {why}"))),
        }
    }

    /// For the tests: another process has the pid by now.
    #[cfg(all(test, target_os = "linux"))]
    pub(super) fn with_pid_reused(mut self) -> Self {
        if let Subject::Alive(identity) = &mut self.subject {
            identity.start += 1;
        }
        self
    }
}

impl std::fmt::Display for Kill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.reach {
            Reach::Process => write!(f, "process {}", self.pid),
            Reach::Group => write!(f, "process group {}", self.pid),
        }
    }
}

fn subject(reach: Reach, pid: u32) -> Subject {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return Subject::Foreign("there is no process with such a number".to_owned());
    };
    match is_our_child(pid) {
        Ok(true) => {}
        Ok(false) if rustix::process::test_kill_process(pid) == Err(Errno::SRCH) => {
            return Subject::Ended;
        }
        Ok(false) => {
            return Subject::Foreign(
                "it is not a child of this process; or it was, has ended and was waited for, and \
                 another process has its number now"
                    .to_owned(),
            );
        }
        Err(error) => return Subject::Unknown(io::Error::from(error).to_string()),
    }
    if reach == Reach::Group && rustix::process::getpgid(Some(pid)) != Ok(pid) {
        return Subject::Foreign(
            "it leads no process group: spawn it with `CommandExt::process_group(0)`".to_owned(),
        );
    }
    match Identity::of(pid) {
        Ok(Some(identity)) => Subject::Alive(identity),
        Ok(None) => Subject::Ended,
        Err(error) => Subject::Unknown(error.to_string()),
    }
}

/// Whether it is a child that nobody waited for yet, so that its number is its own.
fn is_our_child(pid: Pid) -> Result<bool, Errno> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::Pid(pid), options)) {
        Ok(_) => Ok(true),
        Err(Errno::CHILD) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Which process has had a pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    pid: i32,
    /// In clock ticks since the boot.
    start: u64,
    boot: [u8; 16],
    /// The pid namespace: device and inode.
    namespace: (u64, u64),
}
