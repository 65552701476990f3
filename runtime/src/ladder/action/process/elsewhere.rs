//! Only the process itself performs it here. The number is the child's own as long as the child was
//! not waited for, which is looked at right before each signal.

use std::io::{self, ErrorKind};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use super::super::Performed;
use super::super::deadline::Deadline;
use super::{Identity, Kill, Reach, is_our_child};

const GRACE: Duration = Duration::from_secs(2);

impl Identity {
    #[allow(clippy::unnecessary_wraps, reason = "as on Linux")]
    pub(super) fn of(pid: Pid) -> io::Result<Option<Self>> {
        let pid = pid.as_raw_nonzero().get();
        Ok(Some(Self { pid, start: 0, boot: [0; 16], namespace: (0, 0) }))
    }
}

/// No action outlives its process here.
pub(super) fn leader(_: Identity) -> Option<OwnedFd> {
    None
}

pub(super) fn end(
    kill: &Kill,
    identity: Identity,
    _: Option<BorrowedFd<'_>>,
    deadline: Deadline,
) -> io::Result<Performed> {
    let Some(pid) = Pid::from_raw(identity.pid) else { return Ok(Performed::Gone) };
    if ended(pid)? {
        return Ok(Performed::Gone);
    }
    let soft = deadline.at_most(GRACE.min(deadline.left() / 2));
    let steps = [(Signal::TERM, soft), (Signal::KILL, deadline)];
    for (signal, until) in &steps[usize::from(kill.at_once)..] {
        let sent = match kill.reach {
            Reach::Process => rustix::process::kill_process(pid, *signal),
            Reach::Group => rustix::process::kill_process_group(pid, *signal),
        };
        match sent {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => return Err(error.into()),
        }
        while !until.passed() {
            if ended(pid)? {
                return Ok(Performed::Done);
            }
            until.sleep(Duration::from_millis(2));
        }
    }
    Err(io::Error::new(ErrorKind::TimedOut, "it did not end in time after SIGKILL"))
}

fn ended(pid: Pid) -> io::Result<bool> {
    if !is_our_child(pid)? {
        return Ok(true);
    }
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(rustix::process::waitid(WaitId::Pid(pid), options)?.is_some())
}
