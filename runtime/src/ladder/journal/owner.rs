//! Who owns a segment, and how its world relates to ours: the same system, the same mounts, the
//! same processes?

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process;

use serde::{Deserialize, Serialize};

use super::mounts::{Mount, Mounts};
use crate::ladder::root::Root;

/// What a segment says of the process that writes it. `None` where the system does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    machine: Option<String>,
    /// Another one after each start of the system.
    boot: Option<String>,
    mount_namespace: Option<MountNamespace>,
    mounts: Mounts,
    pid_namespace: Option<PidNamespace>,
    pid: u32,
    /// What `/proc` says of it, if that is its namespace's `/proc`.
    process: Option<Process>,
}

/// The number of a namespace is free for another as soon as it has ended, so its root says more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct MountNamespace {
    number: u64,
    /// Of the root directory: the mount's number, which is never used again while the system runs
    /// (Linux 6.8), and the inode.
    root: (u64, u64),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PidNamespace {
    number: u64,
    /// When its process 1 started, in clock ticks since the start of the system.
    started: Option<u64>,
}

/// What tells a process from another one with its number, and from what it executes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Process {
    started: u64,
    /// Where its stack begins: random, and new with each `exec`.
    stack: u64,
}

impl Process {
    /// Whether it surely has, by what is found under its number.
    fn has_ended(&self, found: io::Result<Stat>) -> bool {
        match found {
            // One whose main thread has ended goes on with the others.
            Ok(now) => now.process.started != self.started || (now.ending && now.threads < 2),
            // Another error says nothing of the process.
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }
}

impl Owner {
    /// This process.
    pub(super) fn current() -> Self {
        let pid = process::id();
        // The `/proc` of another pid namespace would speak of other processes.
        let proc_is_ours =
            fs::read_link("/proc/self").is_ok_and(|own| own == Path::new(&pid.to_string()));
        let stat = |pid: u32| if proc_is_ours { Stat::read(pid) } else { None };
        Self {
            machine: id("/etc/machine-id").or_else(|| id("/var/lib/dbus/machine-id")),
            boot: id("/proc/sys/kernel/random/boot_id"),
            mount_namespace: mount_namespace(),
            mounts: Mounts::current(),
            pid_namespace: number_of("pid").map(|number| PidNamespace {
                number,
                started: stat(1).map(|first| first.process.started),
            }),
            pid,
            process: stat(pid).map(|stat| stat.process),
        }
    }

    pub(super) fn mounts(&self) -> &Mounts {
        &self.mounts
    }

    /// The same, on the same machine, which was started anew.
    pub(super) fn after_a_restart(self) -> Self {
        Self { boot: Some("the next one".into()), ..self }
    }

    /// The same, as another process had written it that ended.
    #[cfg(test)]
    pub(super) fn of_a_process_that_is_gone(self) -> Self {
        Self { process: None, ..self }
    }

    /// The same, as another process with its number had written it that ended.
    #[cfg(test)]
    pub(super) fn of_an_earlier_process(self) -> Self {
        let earlier = |process| Process { started: 0, ..process };
        Self { process: self.process.map(earlier), ..self }
    }

    /// The same, as another process had written it before the system was started anew.
    #[cfg(test)]
    pub(super) fn of_another_start(self) -> Self {
        Self { boot: Some("before".into()), machine: Some("this".into()), process: None, ..self }
    }

    /// This process, as the one that comes after [`of_another_start`](Self::of_another_start).
    #[cfg(test)]
    pub(super) fn of_this_start() -> Self {
        Self { machine: Some("this".into()), ..Self::current() }
    }

    /// How the world of this owner, whose segment is not locked, relates to that of `us`.
    ///
    /// `shared`: other machines may see the filesystem of the journal.
    pub(super) fn relation(&self, us: &Self, shared: bool) -> Result<Relation, &'static str> {
        let rebooted = match (&self.boot, &us.boot) {
            // One kernel, so the lock has told the truth.
            (Some(theirs), Some(ours)) if theirs == ours => false,
            (Some(_), Some(_)) if shared => {
                return Err("it may be another machine's: the filesystem is shared by machines, \
                            where a lock is no proof");
            }
            (Some(_), Some(_)) => match (&self.machine, &us.machine) {
                (Some(theirs), Some(ours)) if theirs == ours => true,
                (Some(_), Some(_)) => return Err("another machine wrote it"),
                _ => return Err("it may be another machine's: there is no machine id"),
            },
            _ => return Err("it cannot be told whose it is: there is no boot id"),
        };
        let same_mounts =
            !rebooted && same(self.mount_namespace.as_ref(), us.mount_namespace.as_ref());
        let same_pids = !rebooted && same(self.pid_namespace.as_ref(), us.pid_namespace.as_ref());
        Ok(Relation { rebooted, same_mounts, same_pids })
    }

    /// Whether this process, of our own pid namespace, still runs the program that wrote the
    /// segment. It has lost its lock then, as on a network filesystem whose server forgot it.
    pub(super) fn is_running(&self) -> bool {
        let Some(process) = &self.process else { return false };
        // Of a process that we may not look into, the stack reads as 0.
        Stat::read(self.pid).is_some_and(|now| {
            !now.ending
                && now.process.started == process.started
                && (now.process.stack == process.stack || now.process.stack == 0)
        })
    }

    /// Whether this process, of our own pid namespace, surely does not any more.
    pub(super) fn has_ended(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.has_ended(Stat::look(self.pid)))
    }

    /// What to do about one of this owner's registrations.
    ///
    /// `path`: what it is about, if not a process or a command. `mount`: what that was on, if not as
    /// the owner's table says. `replays`: whether it means anything once the owner's processes are
    /// gone.
    pub(super) fn verdict(
        &self,
        us: &Self,
        relation: Relation,
        path: Option<&Path>,
        mount: Option<&Mount>,
        replays: bool,
    ) -> Verdict {
        let Relation { rebooted, same_mounts, same_pids } = relation;
        if !replays && rebooted {
            return Verdict::Drop("it is not for after a restart of the system".into());
        }
        if !replays && !same_pids {
            return Verdict::Keep("it belongs to another pid namespace".into());
        }
        if same_mounts {
            return Verdict::Perform;
        }
        let path = path.unwrap_or(Path::new("/"));
        match (mount.or_else(|| self.mounts.of(path)), us.mounts.of(path)) {
            (Some(theirs), _) if rebooted && theirs.is_volatile() => {
                Verdict::Drop(format!("it was on {} and ended with the system", theirs.describe()))
            }
            (Some(theirs), Some(ours)) if theirs.shows_the_same(ours, rebooted) => Verdict::Perform,
            (Some(theirs), _) => {
                Verdict::Keep(format!("it is on {}, which is not mounted here", theirs.describe()))
            }
            (None, _) => Verdict::Keep("it cannot be told what it is on".into()),
        }
    }
}

/// Whether both are known, and the same.
fn same<T: PartialEq>(theirs: Option<&T>, ours: Option<&T>) -> bool {
    theirs.is_some() && theirs == ours
}

/// How an owner's world relates to ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Relation {
    /// The same machine, but started anew.
    pub(super) rebooted: bool,
    /// Every path means the same.
    pub(super) same_mounts: bool,
    /// Every process number means the same.
    pub(super) same_pids: bool,
}

/// What to do about a registration whose owner is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Perform,
    /// Not now: another start may be able to.
    Keep(String),
    /// Never.
    Drop(String),
}

fn id(path: &str) -> Option<String> {
    let id = fs::read_to_string(path).ok()?;
    let id = id.trim();
    // An image's `/etc/machine-id` may be empty, or say `uninitialized`.
    (id.len() >= 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'))
        .then(|| id.to_owned())
}

/// The inode number of this process's namespace of a kind.
fn number_of(kind: &str) -> Option<u64> {
    Some(fs::metadata(format!("/proc/self/ns/{kind}")).ok()?.ino())
}

fn mount_namespace() -> Option<MountNamespace> {
    Some(MountNamespace { number: number_of("mnt")?, root: Root::current().numbers()? })
}

/// `/proc/PID/stat`.
struct Stat {
    process: Process,
    /// Dead or dying: its files are closed already, or about to be.
    ending: bool,
    threads: u64,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        Self::look(pid).ok()
    }

    fn look(pid: u32) -> io::Result<Self> {
        let line = fs::read(format!("/proc/{pid}/stat"))?;
        Self::parse(&line).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn parse(line: &[u8]) -> Option<Self> {
        const EXITING: u64 = 0x4; // `PF_EXITING`
        // The name, in parentheses, may hold anything; numbers and spaces follow its end.
        let end = line.iter().rposition(|byte| *byte == b')')?;
        let fields: Vec<&str> =
            std::str::from_utf8(line.get(end + 2..)?).ok()?.split_ascii_whitespace().collect();
        // The state is field 3 of proc_pid_stat(5).
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Self {
            process: Process { started: number(22)?, stack: number(28)? },
            ending: matches!(fields.first(), Some(&("Z" | "X"))) || number(9)? & EXITING != 0,
            threads: number(20)?,
        })
    }
}

#[cfg(test)]
mod tests;
