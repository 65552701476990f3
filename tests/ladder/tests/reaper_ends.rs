//! The ways in which an owner ends, and what its reaper makes of each.
#![cfg(target_os = "linux")]

mod reaper_support;

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Instant;

use reaper_support::{DEADLINE, OWNER, Owner, Reaper};
use rustix::process::Signal;

/// Everything that was kept is gone, and the log says so.
#[track_caller]
fn clean(owner: &Owner, reaper: &Reaper, names: &[&str]) {
    reaper.wait();
    for name in names {
        assert!(!owner.path(name).exists(), "{name} is left; the log is {:?}", owner.log());
    }
    assert_eq!(owner.log().matches(": done").count(), names.len(), "{:?}", owner.log());
}

/// Says it until it is done: the owner waits for a short time only.
#[track_caller]
fn until_ok(owner: &mut Owner, command: &str) {
    let end = Instant::now() + DEADLINE;
    loop {
        let answer = owner.ask(command);
        if answer == "ok" {
            return;
        }
        assert!(Instant::now() < end, "{command}: {answer}");
    }
}

#[test]
fn kill_is_cleaned_up_after() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    owner.keep("first");
    owner.keep("second");
    owner.kill();
    clean(&owner, &reaper, &["first", "second"]);
    assert_eq!(owner.wait().signal(), Some(9));
    assert_eq!(owner.log().lines().count(), 3, "{:?}", owner.log());
}

#[test]
fn last_registered_is_first_performed() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    let (script, order) = (owner.path("script"), owner.path("order"));
    std::fs::write(&script, format!("echo $1 >>{}", order.display())).unwrap();
    for number in 1..=12 {
        owner.ok(&format!("run /bin/sh {} {number}", script.display()));
    }
    owner.kill();
    reaper.wait();
    let order = std::fs::read_to_string(order).unwrap();
    assert_eq!(
        order.split_whitespace().collect::<Vec<_>>().join(" "),
        "12 11 10 9 8 7 6 5 4 3 2 1"
    );
}

#[test]
fn kill_of_the_process_group_is_cleaned_up_after() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    owner.keep("file");
    rustix::process::kill_process_group(owner.pid(), Signal::KILL).unwrap();
    clean(&owner, &reaper, &["file"]);
    assert_eq!(owner.wait().signal(), Some(9));
}

#[test]
fn exit_without_handlers_is_cleaned_up_after() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    owner.keep("file");
    owner.tell("_exit 7");
    clean(&owner, &reaper, &["file"]);
    assert_eq!(owner.wait().code(), Some(7));
}

#[test]
fn segmentation_fault_is_cleaned_up_after() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    owner.keep("file");
    owner.tell("segv");
    clean(&owner, &reaper, &["file"]);
    assert_eq!(owner.wait().signal(), Some(11));
}

#[test]
fn abort_is_cleaned_up_after() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    owner.keep("file");
    owner.tell("abort");
    clean(&owner, &reaper, &["file"]);
    assert_eq!(owner.wait().signal(), Some(6));
}

#[test]
fn exec_is_cleaned_up_after_while_the_process_lives() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    owner.keep("file");
    // `cat` answers what it is told.
    let script = owner.path("script");
    std::fs::write(&script, "echo executed; exec cat").unwrap();
    assert_eq!(owner.ask(&format!("exec /bin/sh {}", script.display())), "executed");
    assert_eq!(owner.ask("still here"), "still here");
    clean(&owner, &reaper, &["file"]);
    assert!(owner.log().contains("executed another program"), "{:?}", owner.log());
    assert_eq!(owner.ask("and still"), "and still");
    drop(owner.commands.take());
    assert!(owner.wait().success());
}

#[test]
fn exec_of_the_same_program_is_cleaned_up_after() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    owner.keep("file");
    let command = format!("exec {} {}", reaper_support::OWNER, owner.path("log2").display());
    let successor: i32 = owner.ask(&command).parse().unwrap();
    clean(&owner, &reaper, &["file"]);
    assert_ne!(successor, reaper.pid.as_raw_nonzero().get());
    let successor = Reaper::of(successor);
    owner.keep("other");
    owner.kill();
    successor.wait();
    assert!(!owner.path("other").exists());
}

#[test]
fn normal_end_leaves_the_reaper_nothing_to_do_and_no_log() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    let file = owner.keep("file");
    owner.ok("forget 0");
    owner.tell("return");
    reaper.wait();
    assert!(owner.wait().success());
    assert!(file.exists(), "what was withdrawn is removed");
    assert!(!owner.path("log").exists());
}

#[test]
fn normal_end_that_left_something_is_cleaned_up_after() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    owner.keep("file");
    owner.tell("return");
    clean(&owner, &reaper, &["file"]);
    assert!(owner.wait().success());
}

#[test]
fn withdrawn_registration_is_left_and_the_others_are_performed() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    owner.keep("a");
    let withdrawn = owner.keep("b");
    owner.keep("c");
    owner.ok("forget 1");
    owner.kill();
    clean(&owner, &reaper, &["a", "c"]);
    assert!(withdrawn.exists());
}

#[test]
fn closed_channel_of_a_living_program_removes_nothing() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    let file = owner.keep("file");
    owner.ok("close");
    reaper.wait();
    assert!(file.exists(), "{:?}", owner.log());
    assert!(owner.log().contains("nothing is cleaned up"), "{:?}", owner.log());
    // The next registration finds a new reaper, which has been told of the first one.
    owner.keep("other");
    let successor = Reaper::of(owner.ask("pid").parse().unwrap());
    assert_ne!(successor.pid, reaper.pid);
    // It is told of the older ones beside that.
    until_ok(&mut owner, "check");
    owner.kill();
    successor.wait();
    assert!(!file.exists() && !owner.path("other").exists(), "{:?}", owner.log());
}

#[test]
fn descriptors_that_took_the_place_of_the_channel_are_left_alone() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    let (file, stranger) = (owner.keep("file"), owner.path("stranger"));
    reaper.signal(Signal::STOP);
    owner.ok("close");
    owner.ok(&format!("open {} 300", stranger.display()));
    reaper.signal(Signal::CONT);
    reaper.wait();
    assert!(file.exists());
    owner.keep("other");
    // Neither written to nor closed.
    assert_eq!(owner.ask(&format!("size {}", stranger.display())), "0");
    let held = std::fs::read_dir(format!("/proc/{}/fd", owner.pid())).unwrap();
    let held = held.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    assert_eq!(held.filter(|path| *path == stranger).count(), 300);
}

#[test]
fn what_is_opened_after_all_was_closed_does_not_get_what_is_for_the_reaper() {
    let (mut owner, _) = Owner::with_reaper(&[]);
    let directory = owner.directory.path().display().to_string();
    assert_eq!(owner.ask(&format!("close-and-hear {directory} 80")), "0");
}

#[test]
fn check_does_not_wait_for_who_has_taken_the_place_of_the_channel() {
    let (mut owner, reaper) = Owner::with_reaper(&["deadline=300"]);
    // It does not see that its channel is closed.
    reaper.signal(Signal::STOP);
    owner.ok("close");
    owner.ok("take-places 300");
    let answer = owner.ask("check");
    assert!(answer.contains("has not ended"), "{answer}");
    reaper.signal(Signal::CONT);
    reaper.wait();
    until_ok(&mut owner, "check");
}

#[test]
fn withdrawal_on_a_closed_channel_is_done_only_once_that_reaper_has_ended() {
    let (mut owner, reaper) = Owner::with_reaper(&["deadline=300"]);
    let (withdrawn, later) = (owner.keep("withdrawn"), owner.keep("later"));
    reaper.signal(Signal::STOP);
    owner.ok("close");
    // It would remove it, if the owner ended now.
    let answer = owner.ask("forget 0");
    assert!(answer.contains("has not ended"), "{answer}");
    reaper.signal(Signal::CONT);
    until_ok(&mut owner, "forget 1");
    owner.kill();
    reaper.wait();
    assert!(withdrawn.exists() && later.exists(), "{:?}", owner.log());
}

#[test]
fn limit_on_the_size_of_files_does_not_end_the_reaper() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 0; exec \"$0\" \"$@\"", OWNER]);
    let mut owner = Owner::start_as(command, &[]);
    let reaper = Reaper::of(owner.first.parse().unwrap());
    let files = ["a", "b", "c"].map(|name| owner.keep(name));
    owner.kill();
    reaper.wait();
    assert!(files.iter().all(|file| !file.exists()));
}

#[test]
fn fork_that_lives_on_is_waited_for() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    let file = owner.keep("file");
    let fork: i32 = owner.ask("fork").parse().unwrap();
    let fork = Reaper::of(fork);
    owner.kill();
    owner.wait();
    owner.wait_for_log("a fork of it lives on");
    assert!(reaper.lives() && file.exists());
    fork.signal(Signal::KILL);
    clean(&owner, &reaper, &["file"]);
}

#[test]
fn fork_that_lives_on_is_not_waited_for_on_demand() {
    let (mut owner, reaper) = Owner::with_reaper(&["reap"]);
    owner.keep("file");
    let fork = Reaper::of(owner.ask("fork").parse().unwrap());
    owner.kill();
    owner.wait();
    clean(&owner, &reaper, &["file"]);
    assert!(fork.lives());
    fork.signal(Signal::KILL);
}

#[test]
fn fork_is_not_waited_for_where_nothing_is_registered() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    let fork = Reaper::of(owner.ask("fork").parse().unwrap());
    owner.kill();
    reaper.wait();
    assert!(fork.lives());
    fork.signal(Signal::KILL);
}

#[test]
fn fork_cannot_register_with_the_reaper_of_its_parent() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    let path = owner.path("file");
    let answer = owner.ask(&format!("fork-registers {}", path.display()));
    assert!(answer.contains("was forked from the one that the reaper watches"), "{answer}");
    owner.keep("other");
    owner.kill();
    clean(&owner, &reaper, &["other"]);
}

#[test]
fn intent_without_a_thing_is_nothing_to_do() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    let path = owner.path("never");
    owner.ok(&format!("intend {}", path.display()));
    owner.kill();
    reaper.wait();
    assert!(owner.log().contains("(not committed)"), "{:?}", owner.log());
    assert!(!owner.log().contains("done") && !owner.log().contains("failed"), "{:?}", owner.log());
}

#[test]
fn action_that_hangs_does_not_stop_the_others() {
    let (mut owner, reaper) = Owner::with_reaper(&["action-deadline=500"]);
    owner.keep("first");
    let fifo = owner.path("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).unwrap();
    // Hangs until somebody writes into it.
    owner.ok(&format!("run /bin/cat {}", fifo.display()));
    owner.keep("last");
    owner.kill();
    owner.wait_for_log("not done within 500ms");
    owner.wait_for_log("given up");
    clean(&owner, &reaper, &["first", "last"]);
    // Ends the command.
    drop(std::fs::OpenOptions::new().write(true).open(&fifo).unwrap());
}

#[test]
fn action_that_is_late_is_waited_for() {
    let (mut owner, reaper) = Owner::with_reaper(&["action-deadline=2000"]);
    owner.keep("first");
    let fifo = owner.path("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).unwrap();
    owner.ok(&format!("run /bin/cat {}", fifo.display()));
    owner.kill();
    owner.wait_for_log("not done within 2s");
    drop(std::fs::OpenOptions::new().write(true).open(&fifo).unwrap());
    reaper.wait();
    assert!(owner.log().contains("late, done"), "{:?}", owner.log());
}
