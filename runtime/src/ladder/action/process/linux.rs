//! Which process it is by `/proc`, and its end through a pidfd.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};

use super::super::Performed;
use super::super::call;
use super::super::deadline::Deadline;
use super::{Identity, Kill, Reach};

/// How long a process may take to end after `SIGTERM`.
const GRACE: Duration = Duration::from_secs(2);

impl Identity {
    /// `None` if it has ended.
    pub(super) fn of(pid: Pid) -> io::Result<Option<Self>> {
        let (boot, namespace) = here()?;
        let pid = pid.as_raw_nonzero().get();
        // One that has ended and was not waited for still has its number, and its group.
        Ok(Stat::of(pid)?.map(|stat| Self { pid, start: stat.start, boot, namespace }))
    }
}

/// The boot and the pid namespace that we are in.
fn here() -> io::Result<([u8; 16], (u64, u64))> {
    let read = |what: &str, error: io::Error| {
        io::Error::new(error.kind(), format!("{what} cannot be read: {error}"))
    };
    // Another namespace's `/proc` shows other processes under our numbers.
    let own = fs::read_link("/proc/self").map_err(|error| read("/proc", error))?;
    if own.to_str() != Some(&std::process::id().to_string()) {
        return Err(io::Error::other("/proc is that of another pid namespace"));
    }
    let path = "/proc/sys/kernel/random/boot_id";
    let text = fs::read_to_string(path).map_err(|error| read(path, error))?;
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let boot = u128::from_str_radix(&digits, 16).map_err(io::Error::other)?.to_be_bytes();
    let path = "/proc/thread-self/ns/pid";
    let namespace = fs::metadata(path).map_err(|error| read(path, error))?;
    Ok((boot, (namespace.dev(), namespace.ino())))
}

/// What `/proc/PID/stat` says.
struct Stat {
    alive: bool,
    group: i32,
    start: u64,
}

impl Stat {
    fn of(pid: i32) -> io::Result<Option<Self>> {
        // Bytes: the command's name need not be UTF-8.
        match fs::read(format!("/proc/{pid}/stat")) {
            Ok(text) => match Self::parse(&String::from_utf8_lossy(&text)) {
                Some(stat) => Ok(Some(stat)),
                None => Err(io::Error::other(format!("/proc/{pid}/stat cannot be understood"))),
            },
            Err(error)
                if error.kind() == ErrorKind::NotFound
                    || Errno::from_io_error(&error) == Some(Errno::SRCH) =>
            {
                Ok(None)
            }
            Err(error) => Err(io::Error::new(error.kind(), format!("/proc/{pid}/stat: {error}"))),
        }
    }

    /// Field 2 is the command's name in parentheses, with whatever is in it.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_whitespace().collect();
        Some(Self {
            alive: !matches!(*fields.first()?, "Z" | "X" | "x"),
            group: fields.get(2)?.parse().ok()?,
            start: fields.get(19)?.parse().ok()?,
        })
    }
}

pub(super) fn leader(identity: Identity) -> Option<OwnedFd> {
    let pidfd = rustix::process::pidfd_open(Pid::from_raw(identity.pid)?, PidfdFlags::empty());
    let pidfd = pidfd.ok()?;
    // In this order: see `end`.
    let stat = Stat::of(identity.pid).ok()??;
    (stat.start == identity.start).then_some(pidfd)
}

pub(super) fn end(
    kill: &Kill,
    identity: Identity,
    held: Option<BorrowedFd<'_>>,
    deadline: Deadline,
) -> io::Result<Performed> {
    let (boot, namespace) = here()?;
    if boot != identity.boot {
        // Nothing outlives its boot.
        return Ok(Performed::Gone);
    }
    if namespace != identity.namespace {
        return Ok(Performed::LeftAlone("it is in another pid namespace".to_owned()));
    }
    let Some(pid) = Pid::from_raw(identity.pid) else { return Ok(Performed::Gone) };
    let leader = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => pidfd,
        // `EINVAL`: a thread's number by now.
        Err(Errno::SRCH | Errno::INVAL) => {
            return without_leader(kill, identity, held, deadline);
        }
        Err(error) => return Err(error.into()),
    };
    // Looked at only now: if the number is still the same process's, it was when the
    // descriptor was opened.
    let stat = match Stat::of(identity.pid)? {
        None => return without_leader(kill, identity, held, deadline),
        Some(stat) if stat.start != identity.start => return Ok(Performed::Gone),
        Some(stat) => stat,
    };
    let ending = Ending { leader: leader.as_fd(), pid, reach: kill.reach };
    match kill.reach {
        Reach::Process if !stat.alive => return Ok(Performed::Gone),
        Reach::Group if rustix::process::getpgrp() == pid => {
            return Ok(Performed::LeftAlone("this process is in it".to_owned()));
        }
        Reach::Group if members(identity.pid)?.is_empty() => return Ok(Performed::Gone),
        Reach::Process | Reach::Group => {}
    }
    signal(kill, &ending, deadline)
}

fn signal(kill: &Kill, ending: &Ending<'_>, deadline: Deadline) -> io::Result<Performed> {
    if !kill.at_once {
        ending.signal(Signal::TERM)?;
        // A stopped process does not hear the other one.
        ending.signal(Signal::CONT)?;
        // What is left in the group is looked after all the time: its number cannot have been
        // given away, which takes all of them to end and the numbers to go round once.
        if ending.ended(deadline.at_most(GRACE.min(deadline.left() / 2)))? {
            return Ok(Performed::Done);
        }
    }
    ending.signal(Signal::KILL)?;
    if ending.ended(deadline)? {
        Ok(Performed::Done)
    } else {
        Err(io::Error::new(ErrorKind::TimedOut, "it did not end in time after SIGKILL"))
    }
}

/// The process has ended, and was waited for.
fn without_leader(
    kill: &Kill,
    identity: Identity,
    held: Option<BorrowedFd<'_>>,
    deadline: Deadline,
) -> io::Result<Performed> {
    if kill.reach == Reach::Process {
        return Ok(Performed::Gone);
    }
    if let (Some(leader), Some(pid)) = (held, Pid::from_raw(identity.pid)) {
        // The group behind the descriptor is the one that the process led, whatever has its
        // number; and as long as it has members, nobody has.
        match call::has_group(leader) {
            Ok(()) => {
                return signal(kill, &Ending { leader, pid, reach: Reach::Group }, deadline);
            }
            Err(Errno::SRCH) => return Ok(Performed::Gone),
            // Before Linux 6.9.
            Err(_) => {}
        }
    }
    // As long as the group has members, no process gets its number; but nothing tells this
    // group from one that another leader made when that number was free again.
    let members = members(identity.pid)?;
    Ok(if members.is_empty() {
        Performed::Gone
    } else {
        Performed::LeftAlone(format!(
            "its leader has ended, so that nothing tells whether its members are ours: \
             {members:?}"
        ))
    })
}

/// Those of a group that have not ended.
fn members(group: i32) -> io::Result<Vec<i32>> {
    let mut members = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        // Whose `stat` cannot be read has ended since, or is hidden (`hidepid`), and not ours.
        if let Ok(Some(Stat { alive: true, group: its, .. })) = Stat::of(pid) {
            if its == group {
                members.push(pid);
            }
        }
    }
    Ok(members)
}

struct Ending<'a> {
    leader: BorrowedFd<'a>,
    pid: Pid,
    reach: Reach,
}

impl Ending<'_> {
    fn signal(&self, signal: Signal) -> io::Result<()> {
        let sent = match self.reach {
            Reach::Process => rustix::process::pidfd_send_signal(self.leader, signal),
            Reach::Group => match call::signal_group(self.leader, signal) {
                Err(Errno::INVAL) => rustix::process::kill_process_group(self.pid, signal),
                other => other,
            },
        };
        match sent {
            // It has ended.
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for the end; whether it came.
    fn ended(&self, deadline: Deadline) -> io::Result<bool> {
        loop {
            if self.wait(deadline)? {
                break;
            }
            if deadline.passed() {
                return Ok(false);
            }
        }
        let mut pause = Duration::from_millis(1);
        while self.reach == Reach::Group && !members(self.pid.as_raw_nonzero().get())?.is_empty() {
            if deadline.passed() {
                return Ok(false);
            }
            deadline.sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
        Ok(true)
    }

    /// Waits for the leader's end; whether it came.
    fn wait(&self, deadline: Deadline) -> io::Result<bool> {
        let mut fds = [PollFd::from_borrowed_fd(self.leader, PollFlags::IN)];
        let left = deadline.left();
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        match poll(&mut fds, Some(&timeout)) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Stat;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let tail = "S 1 77 77 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 123456 0 0";
        let stat = Stat::parse(&format!("42 (a) R 9 9 (b)) {tail}")).unwrap();
        assert_eq!((stat.alive, stat.group, stat.start), (true, 77, 123_456));
        assert!(Stat::parse("42 (cut").is_none());
    }
}
