//! Process 1 of a container: the program is its child, and is cleaned up after.
#![cfg(target_os = "linux")]

mod reaper_support;

use std::fs;
use std::process::Command;

use reaper_support::{HELPER, OWNER, Owner, Reaper};
use rustix::process::{Pid, Signal};

/// The command that runs a program as process 1 of a namespace of its own.
fn container(program: &str) -> Option<Command> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can make a namespace of processes");
        return None;
    }
    let unshare = |program: &str| {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--kill-child", "--mount-proc", program]);
        command
    };
    if !unshare("true").status().is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: there is no `unshare`, or it may not");
        return None;
    }
    Some(unshare(program))
}

/// An owner in a container, and its process 1 as it is seen from here.
fn in_container(options: &[&str]) -> Option<(Owner, Reaper)> {
    let owner = Owner::start_as(container(OWNER)?, options);
    let process_1 = Reaper::of(only_child(owner.pid()));
    Some((owner, process_1))
}

fn children(process: Pid) -> Vec<i32> {
    let list = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap();
    list.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

fn only_child(process: Pid) -> i32 {
    let children = children(process);
    assert_eq!(children.len(), 1, "{children:?}");
    children[0]
}

#[test]
fn end_of_the_program_is_the_end_of_the_container_after_its_reaper() {
    let Some((mut owner, _)) = in_container(&[]) else { return };
    owner.keep("file");
    owner.tell("_exit 7");
    assert_eq!(owner.wait().code(), Some(7));
    assert!(!owner.path("file").exists(), "{:?}", owner.log());
}

#[test]
fn killed_program_is_cleaned_up_after_and_the_status_says_so() {
    let Some((mut owner, _)) = in_container(&[]) else { return };
    owner.keep("file");
    owner.tell("kill 9");
    assert_eq!(owner.wait().code(), Some(128 + 9));
    assert!(!owner.path("file").exists(), "{:?}", owner.log());
}

#[test]
fn signal_for_process_1_is_handed_to_the_program() {
    let Some((mut owner, process_1)) = in_container(&[]) else { return };
    owner.keep("file");
    process_1.signal(Signal::TERM);
    assert_eq!(owner.wait().code(), Some(128 + 15));
    assert!(!owner.path("file").exists(), "{:?}", owner.log());
}

#[test]
fn what_the_program_left_running_ends_before_the_cleaning() {
    let Some((mut owner, _)) = in_container(&[]) else { return };
    owner.keep("file");
    // It holds the channel; a reaper anywhere else waits for it.
    owner.ask("fork");
    owner.tell("kill 9");
    assert_eq!(owner.wait().code(), Some(128 + 9));
    assert!(!owner.path("file").exists(), "{:?}", owner.log());
}

#[test]
fn orphans_do_not_stay_as_zombies() {
    let Some((mut owner, process_1)) = in_container(&[]) else { return };
    let (script, fifo) = (owner.path("script"), owner.path("fifo"));
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).unwrap();
    // Each of them opens the pipe, and ends when the other end is closed.
    fs::write(&script, format!("exec cat {}", fifo.display())).unwrap();
    // The program and its reaper.
    assert_eq!(children(process_1.pid).len(), 2);
    owner.ok(&format!("orphan {}", script.display()));
    let writer = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    let orphan = children(process_1.pid);
    assert_eq!(orphan.len(), 3, "{orphan:?}");
    let orphan = Reaper::of(*orphan.iter().max().unwrap());
    drop(writer);
    orphan.wait();
    // Its end was a signal for process 1, and so is this one, which comes later.
    process_1.signal(Signal::TERM);
    owner.wait();
    assert!(!orphan.proc("stat").exists());
}

#[test]
fn program_with_a_main_of_its_own_is_told_to_use_an_init() {
    let Some((owner, _)) = in_container(&[&format!("helper={HELPER}")]) else { return };
    assert!(owner.first.contains("run it under an init"), "{}", owner.first);
}

#[test]
fn process_1_of_an_annotated_main_has_no_thread_that_could_take_its_signals() {
    let Some(mut command) = container(env!("CARGO_BIN_EXE_kill_attribute")) else { return };
    let things = tempfile::tempdir().unwrap();
    command.arg("child").arg(things.path()).env("XDG_STATE_HOME", things.path());
    let mut running = backstop_tests_ladder::exit::start(&mut command);
    let child = running.line();
    assert!(running.line().starts_with("ready "), "after {child}");
    let process_1 = only_child(running.pid());
    let status = fs::read_to_string(format!("/proc/{process_1}/status")).unwrap();
    assert!(status.contains("\nThreads:\t1\n"), "{status}");
    running.let_go();
    assert_eq!(running.end().how(), "code 0");
}
