//! Ending processes, and only ours.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{WaitId, WaitIdOptions};

use super::{committed, done, gone, left_alone, sent};
use crate::ladder::action::process::{Kill, Reach};
use crate::ladder::action::{Action, deadline::Deadline};

/// A shell that has come to say `ready`.
fn shell(script: &str) -> Child {
    let mut child = Command::new("sh")
        .args(["-c", script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child
}

const SLEEPER: &str = "echo ready; exec sleep 100";
const DEAF: &str = "trap '' TERM; echo ready; while :; do sleep 1; done";

#[test]
fn a_child_is_ended_and_stays_so() {
    let mut child = shell(SLEEPER);
    let prepared = committed(Action::kill_process(child.id()));
    done(prepared.perform());
    // Not waited for yet: the number is still its own.
    gone(prepared.perform());
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    gone(prepared.perform());
}

#[test]
fn who_does_not_hear_sigterm_is_killed() {
    let mut child = shell(DEAF);
    let action = Action::kill_process(child.id()).with_timeout(Duration::from_secs(60));
    done(sent(&action.prepare().unwrap()).perform());
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn at_once_means_sigkill() {
    let mut child = shell(SLEEPER);
    done(committed(Action::kill_process(child.id()).at_once()).perform());
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn a_stopped_child_is_ended_by_sigterm() {
    let mut child = shell(SLEEPER);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let stopped = WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
    rustix::process::waitid(WaitId::Pid(pid), stopped).unwrap().unwrap();
    done(committed(Action::kill_process(child.id())).perform());
    assert_eq!(child.wait().unwrap().signal(), Some(15));
}

#[test]
fn another_process_with_the_number_is_not_signalled() {
    let mut child = shell(SLEEPER);
    for reach in [Reach::Process, Reach::Group] {
        let kill = Kill::new(reach, child.id()).with_pid_reused();
        gone(kill.perform(None, Deadline::after(Duration::from_secs(60))));
    }
    assert!(child.try_wait().unwrap().is_none());
    done(committed(Action::kill_process(child.id()).at_once()).perform());
    child.wait().unwrap();
}

#[test]
fn only_children_are_taken() {
    let parent = std::os::unix::process::parent_id();
    for pid in [parent, std::process::id(), 1] {
        for action in [Action::kill_process(pid), Action::kill_process_group(pid)] {
            let error = action.clone().prepare().unwrap_err();
            assert!(error.to_string().contains("not a child"), "{error}");
            action.perform().unwrap_err();
        }
    }
    for pid in [0, u32::MAX, 1 << 31] {
        let error = Action::kill_process(pid).prepare().unwrap_err();
        assert!(error.to_string().contains("no process with such a number"), "{error}");
    }
}

#[test]
fn a_child_that_was_waited_for_is_gone() {
    let mut child = Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let action = Action::kill_process(child.id());
    // Unless another has its number by now, which is refused.
    if let Ok(prepared) = action.prepare() {
        gone(prepared.perform());
    }
}

#[test]
fn a_group_is_ended_with_all_its_members() {
    let mut child = shell("sleep 100 & sleep 100 & echo ready; exec sleep 100");
    let prepared = committed(Action::kill_process_group(child.id()));
    done(prepared.perform());
    gone(prepared.perform());
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    gone(prepared.perform());
}

#[test]
fn a_deaf_member_of_a_group_is_killed_after_its_leader() {
    let mut child = shell("(trap '' TERM; echo ready; while :; do sleep 1; done) & exec sleep 100");
    let action = Action::kill_process_group(child.id()).with_timeout(Duration::from_secs(60));
    let prepared = committed(action);
    done(prepared.perform());
    child.wait().unwrap();
    // Nobody is left.
    gone(prepared.perform());
}

#[test]
fn a_group_whose_leader_is_gone_is_left_alone() {
    let mut child = shell("sleep 100 & echo ready $! >&2; echo ready; read x; exit 0");
    let prepared = committed(Action::kill_process_group(child.id()));
    child.wait().unwrap();
    let why = left_alone(prepared.perform());
    assert!(why.contains("its leader has ended"), "{why}");
    // The members' numbers are told, for somebody who knows more.
    let member = why.trim_end_matches(']').rsplit('[').next().unwrap().to_owned();
    assert!(Command::new("kill").arg(member).status().unwrap().success());
}

#[test]
fn a_child_that_leads_no_group_is_refused() {
    let mut child = Command::new("sleep").arg("100").spawn().unwrap();
    let error = Action::kill_process_group(child.id()).prepare().unwrap_err();
    assert!(error.to_string().contains("process_group(0)"), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
}
