//! What has become of the owner, where its channel ended and its pidfd has not fired.
//!
//! The kernel closes a dying process's descriptors before it tells of its end, by up to a second
//! where much memory is to be freed. But a program may also close them all by itself, and `exec`
//! closes them and keeps the process.
//!
//! A thread of the owner that never ends bears witness: `exec` ends all threads but one, which takes
//! the process's id for its own, and so does exit, each before the descriptors are closed. As long as
//! the witness lives, so does the program. (`startcode` and `startstack` tell the same only where
//! addresses are randomised and the owner may be looked into.)

use std::io;

use super::protocol::Witness;

/// What has become of the owner's program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It runs on; only the channel is closed.
    Lives,
    /// Its process is ending.
    Exiting,
    /// Its process runs another program now.
    Replaced,
    /// It cannot be told.
    Unknown,
}

/// Looks at `/proc`.
pub(super) fn fate(pid: i32, witness: Witness) -> Fate {
    // In this order: where `/proc` hides the owner altogether, the missing witness means nothing.
    let Some(leader) = Stat::read(&format!("/proc/{pid}/stat")).ok() else {
        return Fate::Unknown;
    };
    match Stat::read(&format!("/proc/{pid}/task/{}/stat", witness.thread)) {
        Ok(stat) if stat.started == witness.started && !stat.exiting => Fate::Lives,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Fate::Unknown,
        Ok(_) | Err(_) if leader.exiting => Fate::Exiting,
        Ok(_) => Fate::Replaced,
        Err(error) if gone(&error) => Fate::Replaced,
        Err(_) => Fate::Unknown,
    }
}

fn gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH)
}

/// The calling thread as a witness.
pub(super) fn witness() -> io::Result<Witness> {
    let stat = Stat::read("/proc/thread-self/stat")?;
    Ok(Witness { thread: rustix::thread::gettid().as_raw_nonzero().get(), started: stat.started })
}

/// What of `/proc/PID/stat` (see `proc_pid_stat(5)`) is needed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    /// It has begun to end, or is a zombie.
    exiting: bool,
    /// In clock ticks since boot.
    started: u64,
}

impl Stat {
    fn read(path: &str) -> io::Result<Self> {
        let text = std::fs::read(path)?;
        Self::parse(&text).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{path} is not as documented"))
        })
    }

    fn parse(text: &[u8]) -> Option<Self> {
        /// `PF_EXITING` of the kernel's `include/linux/sched.h`, as old as Linux.
        const EXITING: u64 = 0x4;
        // The second field is the name in parentheses, which may contain some itself.
        let end = text.iter().rposition(|&byte| byte == b')')?;
        let rest = std::str::from_utf8(text.get(end + 1..)?).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // The first one here is the third of the manual, which counts from 1.
        let field = |number: usize| fields.get(number - 3).copied();
        let state = field(3)?;
        let flags: u64 = field(9)?.parse().ok()?;
        Some(Self {
            exiting: matches!(state, "Z" | "X" | "x") || flags & EXITING != 0,
            started: field(22)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::Command;
    use std::sync::mpsc;
    use std::thread;

    use super::{Fate, Stat, fate, witness};

    const LINE: &str = "77 (a) S (b)) R 1 77 77 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 4242 1 1 1";

    #[test]
    fn name_with_parentheses_is_skipped() {
        assert_eq!(Stat::parse(LINE.as_bytes()), Some(Stat { exiting: false, started: 4242 }));
    }

    #[test]
    fn exiting_flag_and_zombie_state_are_seen() {
        let flagged = LINE.replace("4194304", "4194308");
        assert!(Stat::parse(flagged.as_bytes()).unwrap().exiting);
        let zombie = LINE.replace(") R ", ") Z ");
        assert!(Stat::parse(zombie.as_bytes()).unwrap().exiting);
    }

    #[test]
    fn shorter_line_is_not_guessed_at() {
        assert_eq!(Stat::parse(b"77 (a) R 1 77"), None);
        assert_eq!(Stat::parse(b""), None);
    }

    fn me() -> i32 {
        i32::try_from(std::process::id()).unwrap()
    }

    #[test]
    fn living_witness_is_a_living_program() {
        assert_eq!(fate(me(), witness().unwrap()), Fate::Lives);
    }

    #[test]
    fn ended_witness_in_a_living_process_is_another_program() {
        let (send, receive) = mpsc::channel();
        let thread = thread::spawn(move || send.send(witness().unwrap()).unwrap());
        let witness = receive.recv().unwrap();
        thread.join().unwrap();
        // `join` returns when the kernel has cleared the thread's id, a moment before it is gone.
        while fate(me(), witness) == Fate::Lives {
            thread::yield_now();
        }
        assert_eq!(fate(me(), witness), Fate::Replaced);
    }

    #[test]
    fn thread_with_the_same_id_that_started_later_is_no_witness() {
        let mut witness = witness().unwrap();
        witness.started += 1;
        assert_eq!(fate(me(), witness), Fate::Replaced);
    }

    #[test]
    fn zombie_is_exiting() {
        let mut child = Command::new("/bin/sh").arg0("sh").args(["-c", "exit"]).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let mut witness = witness().unwrap();
        witness.thread = pid;
        let options =
            rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
        let id = rustix::process::WaitId::Pid(rustix::process::Pid::from_raw(pid).unwrap());
        rustix::process::waitid(id, options).unwrap();
        assert_eq!(fate(pid, witness), Fate::Exiting);
        child.wait().unwrap();
        assert_eq!(fate(pid, witness), Fate::Unknown);
    }
}
