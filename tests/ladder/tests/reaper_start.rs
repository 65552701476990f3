//! How a reaper comes to life, what it is then, and who cannot make one.
#![cfg(target_os = "linux")]

mod reaper_support;

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use reaper_support::{DEADLINE, HELPER, OWNER, Owner, Reaper, wait_readable};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::process::{Pid, PidfdFlags, Signal};

/// Not a user of any system.
const STRANGER: u32 = 54_321;

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("SKIPPED: only root can become somebody else");
    }
    root
}

/// A place where the stranger may execute a copy of the owner, and write.
fn copy_for_strangers(mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let copy = directory.path().join("owner");
    // Not `fs::copy`: a fork of another test would hold the file open for writing, so that it could
    // not be executed.
    assert!(
        Command::new("cp").args([OWNER.as_ref(), copy.as_os_str()]).status().unwrap().success()
    );
    fs::set_permissions(&copy, fs::Permissions::from_mode(mode)).unwrap();
    (directory, copy)
}

#[test]
fn reaper_is_nobodys_child_in_its_own_session_and_in_the_root() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    // A loop over all children ends: there are none.
    assert_eq!(owner.ask("wait-all"), "0");
    let parent: i32 = reaper.status("PPid").parse().unwrap();
    assert_ne!(parent, owner.pid().as_raw_nonzero().get());
    assert_ne!(parent, i32::try_from(std::process::id()).unwrap());
    assert_eq!(rustix::process::getsid(Some(reaper.pid)).unwrap(), reaper.pid);
    assert_eq!(fs::read_link(reaper.proc("cwd")).unwrap(), Path::new("/"));
    let command_line = fs::read(reaper.proc("cmdline")).unwrap();
    let expected = format!("backstop-reaper\0{}\0reaper_owner\0", owner.pid());
    assert_eq!(String::from_utf8(command_line).unwrap(), expected);
    assert_eq!(reaper.status("Name"), "backstop-reaper");
}

#[test]
fn reaper_has_none_of_its_owners_descriptors() {
    let mut owner = Owner::start(&["without"]);
    owner.ok("pipe");
    owner.ok("start");
    let reaper = Reaper::of(owner.ask("pid").parse().unwrap());
    let mut held: Vec<String> = fs::read_dir(reaper.proc("fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .map(|path| path.to_string_lossy().split(':').next().unwrap().to_owned())
        .collect();
    held.sort();
    // The owner's pidfd is the anonymous one.
    assert_eq!(held, ["/dev/null", "/dev/null", "anon_inode", "socket"]);
}

#[test]
fn pipe_that_children_inherit_ends_with_the_owner_although_the_reaper_lives() {
    let mut owner = Owner::start(&["without"]);
    assert_eq!(owner.first, "none");
    owner.ok("pipe");
    owner.ok("start");
    owner.keep("file");
    let reaper = Reaper::of(owner.ask("pid").parse().unwrap());
    reaper.signal(Signal::STOP);
    owner.kill();
    // The reaper has not yet got to see the end, and yet standard output has ended.
    let end = owner.answers.recv_timeout(DEADLINE);
    assert_eq!(end, Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
    assert!(reaper.lives() && owner.path("file").exists());
    reaper.signal(Signal::CONT);
    reaper.wait();
    assert!(!owner.path("file").exists());
}

#[test]
fn second_start_is_refused() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    assert_eq!(owner.ask("start"), "error: this process has a reaper already");
    assert_eq!(owner.ask("pid"), reaper.pid.to_string());
}

#[test]
fn start_with_ignored_children_works() {
    let mut command = Command::new(OWNER);
    // SAFETY: a signal's action, in a child that is about to execute a program.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGCHLD, libc::SIG_IGN);
            Ok(())
        });
    }
    let mut owner = Owner::start_as(command, &[]);
    let reaper = Reaper::of(owner.first.parse().unwrap());
    owner.keep("file");
    owner.kill();
    reaper.wait();
    assert!(!owner.path("file").exists());
}

#[test]
fn program_whose_file_was_removed_or_replaced_can_start_one() {
    let (_directory, copy) = copy_for_strangers(0o755);
    let mut owner = Owner::start_as(Command::new(&copy), &["without"]);
    fs::remove_file(&copy).unwrap();
    fs::write(&copy, "#!/bin/sh\nexit 1\n").unwrap();
    owner.ok("start");
    let reaper = Reaper::of(owner.ask("pid").parse().unwrap());
    owner.keep("file");
    owner.kill();
    reaper.wait();
    assert!(!owner.path("file").exists());
}

#[test]
fn helper_serves_a_program_with_a_main_of_its_own() {
    let (mut owner, reaper) = Owner::with_reaper(&[&format!("helper={HELPER}")]);
    assert_eq!(fs::read_link(reaper.proc("exe")).unwrap(), Path::new(HELPER));
    owner.keep("file");
    owner.kill();
    reaper.wait();
    assert!(!owner.path("file").exists());
}

#[test]
fn helper_is_found_beside_the_program() {
    let (directory, copy) = copy_for_strangers(0o755);
    symlink(HELPER, directory.path().join("backstop-reaper")).unwrap();
    let mut owner = Owner::start_as(Command::new(&copy), &["helper"]);
    let reaper = Reaper::of(owner.first.parse().expect(&owner.first));
    assert_eq!(fs::read_link(reaper.proc("exe")).unwrap(), Path::new(HELPER));
    owner.keep("file");
    owner.kill();
    reaper.wait();
    assert!(!owner.path("file").exists());
}

#[test]
fn missing_helper_is_named_with_the_way_out() {
    let (directory, copy) = copy_for_strangers(0o755);
    // Not looked for in `PATH`.
    let mut command = Command::new(&copy);
    command.env("PATH", Path::new(HELPER).parent().unwrap());
    let owner = Owner::start_as(command, &["helper"]);
    let place = directory.path().join("backstop-reaper");
    let start = format!("error: there is no reaper at {}: `cargo install", place.display());
    assert!(owner.first.starts_with(&start), "{}", owner.first);
}

#[test]
fn helper_that_is_no_reaper_is_an_error_and_not_a_hang() {
    let owner = Owner::start(&["helper=/bin/true"]);
    assert!(
        owner.first.starts_with("error: the reaper did not start: it ended"),
        "{}",
        owner.first
    );
}

/// Runs a program that is to end by itself.
fn output(command: &mut Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pidfd = rustix::process::pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).unwrap();
    wait_readable(&pidfd, "the end of what must not be a reaper");
    child.wait_with_output().unwrap()
}

/// Runs a program as if it were a reaper, with `stdin` as its standard input.
fn as_reaper(program: &str, arguments: &[&str], stdin: impl Into<Stdio>) -> Output {
    output(Command::new(program).arg0("backstop-reaper").args(arguments).stdin(stdin))
}

#[track_caller]
fn refused(output: &Output, why: &str) {
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains(why), "{message}");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stdout, b"");
}

fn channel() -> (OwnedFd, OwnedFd) {
    let flags = SocketFlags::CLOEXEC;
    rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap()
}

#[test]
fn name_alone_makes_no_reaper() {
    let me = std::process::id().to_string();
    for program in [OWNER, HELPER] {
        for arguments in [&[][..], &["start"], &[&me, "x"], &["start", &me, "x"]] {
            refused(&as_reaper(program, arguments, Stdio::null()), "not by hand");
        }
    }
}

#[test]
fn socket_of_another_kind_or_of_another_process_makes_no_reaper() {
    let me = std::process::id().to_string();
    let stream = std::os::unix::net::UnixStream::pair().unwrap();
    refused(&as_reaper(OWNER, &[&me, "x"], OwnedFd::from(stream.0)), "not by hand");
    let (_ours, theirs) = channel();
    refused(&as_reaper(OWNER, &["1", "x"], theirs), "the channel was made by");
}

#[test]
fn greeting_of_another_kind_makes_no_reaper() {
    let me = std::process::id().to_string();
    let (ours, theirs) = channel();
    rustix::net::sockopt::set_socket_passcred(&theirs, true).unwrap();
    rustix::net::send(&ours, b"hello, reaper", rustix::net::SendFlags::empty()).unwrap();
    refused(&as_reaper(OWNER, &[&me, "x"], theirs), "no greeting of this version");
    // It says the same to whoever started it.
    let mut answer = [0; 256];
    let flags = rustix::net::RecvFlags::DONTWAIT;
    let (length, _) = rustix::net::recv(&ours, &mut answer, flags).unwrap();
    assert!(String::from_utf8_lossy(&answer[..length]).contains("no greeting of this version"));
}

/// As when `backstop-reaper` was not installed anew with the program: the greeting of a version whose
/// other fields this one does not know.
#[test]
fn greeting_of_another_version_is_refused_by_its_number() {
    let me = std::process::id().to_string();
    for program in [OWNER, HELPER] {
        let (ours, theirs) = channel();
        rustix::net::sockopt::set_socket_passcred(&theirs, true).unwrap();
        let mut greeting = vec![0; 8 + 1];
        greeting.push(7);
        greeting.extend(b"999.0.1 and fields that nobody knows yet");
        rustix::net::send(&ours, &greeting, rustix::net::SendFlags::empty()).unwrap();
        refused(&as_reaper(program, &[&me, "x"], theirs), "the program has backstop 999.0.1");
        let mut answer = [0; 256];
        let flags = rustix::net::RecvFlags::DONTWAIT;
        let (length, _) = rustix::net::recv(&ours, &mut answer, flags).unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]);
        assert!(answer.contains("this reaper is backstop "), "{answer}");
        assert!(answer.ends_with("the program has backstop 999.0.1"), "{answer}");
    }
}

#[test]
fn environment_makes_no_reaper_and_hides_none() {
    // Everything of the channel's name, number and owner that could be meant.
    let (_ours, theirs) = channel();
    let number = theirs.as_raw_fd().to_string();
    let mut command = Command::new(OWNER);
    for name in ["BACKSTOP_REAPER", "BACKSTOP_CHANNEL", "BACKSTOP_REAPER_FD", "REAPER"] {
        command.env(name, &number);
    }
    let mut owner = Owner::start_as(command, &[]);
    let reaper = Reaper::of(owner.first.parse().unwrap());
    owner.keep("file");
    owner.kill();
    reaper.wait();
    assert!(!owner.path("file").exists());
}

#[test]
fn set_user_id_program_gets_no_reaper() {
    if !is_root() {
        return;
    }
    let (_directory, copy) = copy_for_strangers(0o4755);
    let mut command = Command::new(&copy);
    command.uid(STRANGER).gid(STRANGER).current_dir("/");
    let owner = Owner::start_as(command, &[]);
    assert!(owner.first.contains("borrowed privileges (it is set-user-id"), "{}", owner.first);
    // Nor is it one, for a caller who has everything that a reaper asks for.
    let (_ours, theirs) = channel();
    let me = std::process::id().to_string();
    let mut command = Command::new(&copy);
    command.arg0("backstop-reaper").args([&me, "x"]).uid(STRANGER).gid(STRANGER).stdin(theirs);
    let output = output(&mut command);
    refused(&output, "borrowed privileges");
}

#[test]
fn differing_user_ids_get_no_reaper() {
    if !is_root() {
        return;
    }
    let owner = Owner::start(&[&format!("seteuid={STRANGER}")]);
    let why = "its real, effective and saved user ids differ";
    assert!(owner.first.contains(why), "{}", owner.first);
}

#[test]
fn channel_of_another_user_makes_no_reaper() {
    if !is_root() {
        return;
    }
    let (_directory, copy) = copy_for_strangers(0o755);
    let (_ours, theirs) = channel();
    let me = std::process::id().to_string();
    let mut command = Command::new(&copy);
    command.arg0("backstop-reaper").args([&me, "x"]).uid(STRANGER).gid(STRANGER).stdin(theirs);
    let output = output(&mut command);
    refused(&output, "the channel was made by");
}

#[test]
fn privileges_dropped_before_the_start_are_served() {
    if !is_root() {
        return;
    }
    let (directory, copy) = copy_for_strangers(0o755);
    let mut owner = Owner::start_as(Command::new(&copy), &[&format!("setuid={STRANGER}")]);
    let reaper = Reaper::of(owner.first.parse().expect(&owner.first));
    assert!(reaper.status("Uid").starts_with(&STRANGER.to_string()));
    let file = directory.path().join("file");
    owner.ok(&format!("keep {}", file.display()));
    owner.kill();
    reaper.wait();
    assert!(!file.exists());
}

#[test]
fn privileges_dropped_after_the_start_make_registrations_errors() {
    if !is_root() {
        return;
    }
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    let (withdrawn, kept) = (owner.keep("withdrawn"), owner.keep("kept"));
    owner.ok(&format!("setuid {STRANGER}"));
    // The owner sees it a moment later; until then the reaper ignores what is sent.
    let end = Instant::now() + DEADLINE;
    let answer = loop {
        let answer = owner.ask(&format!("long {}", 100));
        if answer != "ok" || Instant::now() >= end {
            break answer;
        }
    };
    assert!(answer.contains("start the reaper after the change"), "{answer}");
    // What was registered before is still kept, and can be withdrawn.
    owner.ok("forget 0");
    owner.kill();
    reaper.wait();
    assert!(withdrawn.exists() && !kept.exists(), "{:?}", owner.log());
}

#[test]
fn real_user_that_changes_makes_registrations_errors() {
    if !is_root() {
        return;
    }
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    let file = owner.keep("file");
    owner.ok(&format!("setruid {STRANGER}"));
    // The owner sees it a moment later; until then the reaper ignores what is sent.
    let end = Instant::now() + DEADLINE;
    let answer = loop {
        let answer = owner.ask(&format!("long {}", 100));
        if answer != "ok" || Instant::now() >= end {
            break answer;
        }
    };
    assert!(answer.contains(&format!("user {STRANGER} and group 0 (effectively 0")), "{answer}");
    owner.kill();
    reaper.wait();
    assert!(!file.exists());
}

#[test]
fn program_is_not_taken_from_who_may_do_less_than_at_the_start() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    owner.ok("run true");
    owner.ok("no-new-privs");
    let answer = owner.ask("run true");
    assert!(answer.contains("other rights than when the reaper was started"), "{answer}");
    let file = owner.keep("file");
    owner.kill();
    reaper.wait();
    assert!(!file.exists());
    assert_eq!(owner.log().matches("run ").count(), 1, "{:?}", owner.log());
}

#[test]
fn reaper_takes_nothing_from_another_user_or_process_however_it_is_sent() {
    if !is_root() {
        return;
    }
    // A withdrawal by a fork, and a question by the owner as another user, past all checks of theirs.
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    let kept = owner.keep("kept");
    owner.ok("fork-sends 0000000000000000 03 0000000000000000");
    owner.ok("check");
    owner.wait_for_log("ignored: messages of");
    owner.kill();
    reaper.wait();
    assert!(!kept.exists(), "{:?}", owner.log());

    let (mut owner, reaper) = Owner::with_reaper(&[]);
    let (kept, other) = (owner.keep("kept"), owner.keep("other"));
    owner.ok(&format!("setuid {STRANGER}"));
    // In place of the action there is nothing that could be performed.
    owner.ok("sends 0000000000000000 02 0000000000000000");
    owner.wait_for_log(&format!("uid: {STRANGER}"));
    owner.ok("sends 0000000000000000 03 0100000000000000");
    owner.kill();
    reaper.wait();
    assert!(!kept.exists() && other.exists(), "{:?}", owner.log());
}

#[test]
fn log_is_not_written_through_a_link() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    let victim = owner.path("victim");
    fs::write(&victim, "").unwrap();
    symlink(&victim, owner.path("log")).unwrap();
    let file = owner.keep("file");
    owner.kill();
    reaper.wait();
    assert!(!file.exists());
    assert_eq!(fs::read(&victim).unwrap(), b"");
}
