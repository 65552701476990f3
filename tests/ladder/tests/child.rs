//! `process::spawn`: a child that cannot outlive its parent.
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// A parent, and descriptors of its child and grandchild.
struct Family {
    parent: Child,
    stdout: BufReader<ChildStdout>,
    child: Option<OwnedFd>,
    grandchild: Option<OwnedFd>,
}

impl Family {
    fn start(way: &str) -> Self {
        let mut parent = Command::new(env!("CARGO_BIN_EXE_child_parent"))
            .arg(way)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(parent.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        // One that is gone by now has no descriptor.
        let mut pids = line.split_whitespace().map(|pid| {
            let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
            pidfd_open(pid, PidfdFlags::empty()).ok()
        });
        let (child, grandchild) = (pids.next().unwrap(), pids.next().unwrap());
        Self { parent, stdout, child, grandchild }
    }

    fn assert_gone(&self) {
        for (name, process) in [("child", &self.child), ("grandchild", &self.grandchild)] {
            assert!(process.as_ref().is_none_or(|it| ends_within(it, 10)), "the {name} lives on");
        }
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        let _ = self.parent.kill();
        let _ = self.parent.wait();
    }
}

fn ends_within(process: &OwnedFd, seconds: i64) -> bool {
    let limit = Timespec { tv_sec: seconds, tv_nsec: 0 };
    poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&limit)).unwrap() > 0
}

#[test]
fn a_dropped_child_is_gone_with_its_group_before_the_drop_returns() {
    let mut family = Family::start("drop");
    let mut line = String::new();
    family.stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "gone\n");
    let ended = |process: &Option<OwnedFd>| process.as_ref().is_none_or(|it| ends_within(it, 0));
    assert!(ended(&family.child));
    family.assert_gone();
    drop(family.parent.stdin.take());
    assert!(family.parent.wait().unwrap().success());
}

#[test]
fn a_dropped_child_is_gone_also_when_its_descriptor_was_closed_and_is_another_file_now() {
    let mut family = Family::start("drop-closed");
    let mut line = String::new();
    family.stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "gone\n");
    family.assert_gone();
    drop(family.parent.stdin.take());
    assert!(family.parent.wait().unwrap().success());
}

#[test]
fn a_thread_in_namespaces_of_its_own_is_refused_and_others_are_not() {
    drop(shell("exit 0"));
    let in_its_own = thread::spawn(|| {
        // SAFETY: this thread is in another namespace, and ends soon; it shares nothing less.
        if let Err(error) = unsafe { unshare_unsafe(UnshareFlags::NEWUTS) } {
            eprintln!("SKIPPED: no namespace can be made: {error}");
            return None;
        }
        Some(backstop::process::spawn(Command::new("true")).map(drop))
    });
    if let Some(spawned) = in_its_own.join().unwrap() {
        let error = spawned.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("in other namespaces"), "{error}");
    }
    assert!(shell("exit 0").wait().unwrap().success());
}

#[test]
fn a_child_ends_with_a_parent_that_exits() {
    let mut family = Family::start("exit");
    assert_eq!(family.parent.wait().unwrap().code(), Some(7));
    family.assert_gone();
}

#[test]
fn a_child_ends_with_a_parent_that_aborts() {
    let mut family = Family::start("abort");
    assert_eq!(family.parent.wait().unwrap().signal(), Some(6));
    family.assert_gone();
}

#[test]
fn the_kernel_ends_the_child_of_a_killed_parent_without_a_reaper() {
    let mut family = Family::start("wait");
    family.parent.kill().unwrap();
    assert_eq!(family.parent.wait().unwrap().signal(), Some(9));
    assert!(ends_within(family.child.as_ref().unwrap(), 10));
    // The grandchild is what the reaper is for: see `tests/kill_group.rs`.
    let grandchild = family.grandchild.as_ref().unwrap();
    let _ = rustix::process::pidfd_send_signal(grandchild, rustix::process::Signal::KILL);
}

#[test]
fn a_child_lives_as_long_as_its_parent_also_when_the_thread_that_started_it_has_ended() {
    let mut family = Family::start("wait");
    assert!(!ends_within(family.child.as_ref().unwrap(), 0));
    drop(family.parent.stdin.take());
    let mut rest = String::new();
    family.stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "gone\n");
    assert!(family.parent.wait().unwrap().success());
    family.assert_gone();
}

fn shell(script: &str) -> backstop::process::Child {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    backstop::process::spawn(command).unwrap()
}

#[test]
fn statuses_are_those_of_the_child() {
    assert_eq!(shell("exit 3").wait().unwrap().code(), Some(3));
    assert_eq!(shell("kill -15 $$").wait().unwrap().signal(), Some(15));
    let mut waiting = shell("read line; exit 4");
    assert_eq!(waiting.try_wait().unwrap(), None);
    assert_eq!(waiting.wait_timeout(Duration::from_millis(1)).unwrap(), None);
    // Closes its stdin.
    assert_eq!(waiting.wait().unwrap().code(), Some(4));
    assert_eq!(waiting.wait().unwrap().code(), Some(4));
    assert_eq!(waiting.kill().unwrap().code(), Some(4));
    assert_eq!(shell("read line").kill().unwrap().signal(), Some(9));
}

#[test]
fn terminate_asks_first_and_kills_what_does_not_listen() {
    let ready = |child: &mut backstop::process::Child| {
        let mut byte = [0];
        child.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
    };
    let mut listens = shell("trap 'exit 5' TERM; echo; while :; do read line; done");
    ready(&mut listens);
    assert_eq!(listens.terminate(Duration::from_secs(120)).unwrap().code(), Some(5));
    let mut deaf = shell("trap '' TERM; echo; while :; do read line; done");
    ready(&mut deaf);
    assert_eq!(deaf.terminate(Duration::from_millis(1)).unwrap().signal(), Some(9));
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    let error = backstop::process::spawn(Command::new("/no/such/program")).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}
