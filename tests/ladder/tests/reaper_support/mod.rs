//! An owner, its reaper, and their ends.
#![allow(dead_code, reason = "each test program needs a part")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use rustix::process::{Pid, PidfdFlags, Signal};
use tempfile::TempDir;

/// For everything that takes milliseconds, on a machine that is busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

pub(crate) const OWNER: &str = env!("CARGO_BIN_EXE_reaper_owner");
pub(crate) const HELPER: &str = env!("CARGO_BIN_EXE_reaper_helper");

pub(crate) struct Owner {
    pub(crate) child: Child,
    pub(crate) commands: Option<ChildStdin>,
    pub(crate) answers: Receiver<String>,
    pub(crate) directory: TempDir,
    /// What it said when it had started its reaper.
    pub(crate) first: String,
}

impl Owner {
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_as(Command::new(OWNER), options)
    }

    pub(crate) fn start_as(mut command: Command, options: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        command.arg(directory.path().join("log")).args(options);
        let mut child =
            command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let commands = child.stdin.take();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (send, answers) = mpsc::channel();
        thread::spawn(move || {
            for line in out.lines() {
                if line.is_err() || send.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        let mut owner = Self { child, commands, answers, directory, first: String::new() };
        owner.first = owner.hear();
        owner
    }

    /// One that has a reaper, and that.
    pub(crate) fn with_reaper(options: &[&str]) -> (Self, Reaper) {
        let owner = Self::start(options);
        let pid = owner.first.parse().unwrap_or_else(|_| panic!("no reaper: {}", owner.first));
        (owner, Reaper::of(pid))
    }

    pub(crate) fn tell(&mut self, command: &str) {
        writeln!(self.commands.as_mut().unwrap(), "{command}").unwrap();
    }

    pub(crate) fn hear(&self) -> String {
        self.answers.recv_timeout(DEADLINE).expect("an answer within the deadline")
    }

    pub(crate) fn ask(&mut self, command: &str) -> String {
        self.tell(command);
        self.hear()
    }

    #[track_caller]
    pub(crate) fn ok(&mut self, command: &str) {
        assert_eq!(self.ask(command), "ok", "{command}");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Has it keep a file, and gives its path.
    #[track_caller]
    pub(crate) fn keep(&mut self, name: &str) -> PathBuf {
        let path = self.path(name);
        self.ok(&format!("keep {}", path.display()));
        assert!(path.exists());
        path
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let pidfd = rustix::process::pidfd_open(self.pid(), PidfdFlags::empty()).unwrap();
        wait_readable(&pidfd, "the owner's end");
        self.child.wait().unwrap()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Waits until the log says so.
    pub(crate) fn wait_for_log(&self, text: &str) {
        let watch = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK);
        let watch = watch.unwrap();
        let directory = self.directory.path();
        let flags = inotify::WatchFlags::CREATE | inotify::WatchFlags::MODIFY;
        inotify::add_watch(&watch, directory, flags).unwrap();
        let mut buffer = [0_u8; 4096];
        while !self.log().contains(text) {
            wait_readable(&watch, &format!("{text:?} in the log, which is {:?}", self.log()));
            let _ = rustix::io::read(&watch, &mut buffer);
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) struct Reaper {
    pub(crate) pid: Pid,
    pidfd: OwnedFd,
}

impl Reaper {
    pub(crate) fn of(pid: i32) -> Self {
        let pid = Pid::from_raw(pid).unwrap();
        let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty()).unwrap();
        Self { pid, pidfd }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::pidfd_send_signal(&self.pidfd, signal).unwrap();
    }

    #[track_caller]
    pub(crate) fn wait(&self) {
        wait_readable(&self.pidfd, "the reaper's end");
    }

    pub(crate) fn lives(&self) -> bool {
        !readable(&self.pidfd, Duration::ZERO)
    }

    pub(crate) fn proc(&self, name: &str) -> PathBuf {
        Path::new("/proc").join(self.pid.to_string()).join(name)
    }

    /// A line of `/proc/PID/status`.
    pub(crate) fn status(&self, name: &str) -> String {
        let status = fs::read_to_string(self.proc("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().to_owned()
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::CONT);
    }
}

pub(crate) fn readable(fd: &OwnedFd, limit: Duration) -> bool {
    let end = Instant::now() + limit;
    loop {
        let rest = end.saturating_duration_since(Instant::now());
        let timeout = Timespec {
            tv_sec: rest.as_secs().try_into().unwrap(),
            tv_nsec: rest.subsec_nanos().into(),
        };
        match poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&timeout)) {
            Ok(ready) => return ready > 0,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[track_caller]
pub(crate) fn wait_readable(fd: &OwnedFd, what: &str) {
    assert!(readable(fd, DEADLINE), "{what} did not come within {DEADLINE:?}");
}
