//! A killed program's child and its group, where somebody waits for orphans before the reaper looks.
//! A program of its own: it becomes the parent of all orphans.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use backstop_tests_ladder::ends::{Process, read_to_end};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, set_child_subreaper, waitpid};

fn pid(text: &str) -> Pid {
    text.parse().ok().and_then(Pid::from_raw).unwrap_or_else(|| panic!("{text:?}"))
}

/// Before Linux 6.9, the kernel does not signal the group behind a descriptor.
fn has_groups_behind_descriptors() -> bool {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers = release.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version < (6, 9) {
        eprintln!("SKIPPED: this is Linux {release}, and the test needs 6.9");
    }
    version >= (6, 9)
}

#[test]
fn the_reaper_ends_a_group_whose_leader_has_ended_and_was_waited_for() {
    if !has_groups_behind_descriptors() {
        return;
    }
    set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (alive, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_kill_attribute"))
        .arg("child")
        .arg(home.path())
        .env("XDG_STATE_HOME", home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(writer)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines().map(Result::unwrap);
    let leader = pid(&lines.next().unwrap());
    let reaper = pid(lines.next().unwrap().strip_prefix("ready ").unwrap());
    kill_process(reaper, Signal::STOP).unwrap();
    program.kill().unwrap();
    program.wait().unwrap();
    // The kernel ends the child, which is an orphan of ours.
    let (_, status) = waitpid(Some(leader), WaitOptions::empty()).unwrap().unwrap();
    assert_eq!(status.terminating_signal(), Some(9));
    kill_process(reaper, Signal::CONT).unwrap();
    Process::of(reaper.as_raw_nonzero().get()).wait("the reaper's end");
    let said = read_to_end(File::from(alive), "the end of the child's child").unwrap();
    assert_eq!(said, "");
}
