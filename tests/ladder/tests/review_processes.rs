//! Children, and whose number it is.
#![cfg(target_os = "linux")]

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use backstop::{Survives, create_dir, create_file, scratch};

const PART: &str = "BACKSTOP_REVIEW_DIR";
const HELPER: &str = env!("CARGO_BIN_EXE_reaper_helper");

/// Runs a part below in a process of its own.
fn part(name: &str, home: &Path) -> ExitStatus {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
        .env(PART, home)
        .stdin(Stdio::null())
        .status()
        .unwrap()
}

fn home() -> PathBuf {
    env::var_os(PART).map(PathBuf::from).expect("run by its test")
}

fn start_reaper(home: &Path) {
    backstop::reaper::Builder::new().helper(HELPER).log(home.join("log")).start().unwrap();
}

fn lives(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn family(home: &Path) -> Command {
    let mut command = Command::new("sh");
    let path = home.join("grandchild");
    let script = format!("sleep 100 & echo $! > {0}.new; mv {0}.new {0}; wait", path.display());
    command.args(["-c", &script]).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn grandchild(home: &Path) -> String {
    let begin = Instant::now();
    loop {
        match fs::read_to_string(home.join("grandchild")) {
            Ok(pid) => return pid.trim().to_owned(),
            Err(error) => assert!(begin.elapsed() < Duration::from_secs(120), "{error}"),
        }
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
#[ignore = "run by the test below"]
fn part_killed_parent() {
    let home = home();
    start_reaper(&home);
    let child = backstop::process::spawn(family(&home)).unwrap();
    grandchild(&home);
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
        .unwrap();
    drop(child);
}

/// In a pid namespace whose first process waits for orphans at once, as an init does.
#[test]
fn the_reaper_ends_the_rest_of_a_group_whose_leader_the_kernel_ended() {
    let script = r#""$0" --exact part_killed_parent --ignored --nocapture > /dev/null 2>&1
        for turn in $(seq 600); do
            kill -0 $(cat "$BACKSTOP_REVIEW_DIR/grandchild") || exit 7
            sleep 0.1
        done
        exit 8"#;
    for round in 0..8 {
        let home = tempfile::tempdir().unwrap();
        let status = Command::new("unshare")
            .args(["--pid", "--fork", "--mount-proc", "bash", "-c", script])
            .arg(env::current_exe().unwrap())
            .env(PART, home.path())
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        let log = fs::read_to_string(home.path().join("log")).unwrap_or_default();
        assert_eq!(status.code(), Some(7), "round {round}: the grandchild lives on\n{log}");
    }
}

#[test]
#[ignore = "run by the test below"]
fn part_full_reaper() {
    let home = home();
    start_reaper(&home);
    let reaper = backstop::__private::reaper::pid().unwrap();
    let reaper = rustix::process::Pid::from_raw(reaper).unwrap();
    rustix::process::kill_process(reaper, rustix::process::Signal::STOP).unwrap();
    let mut kept = Vec::new();
    while let Ok(dir) = scratch::file_in(&home, Survives::Kill) {
        kept.push(dir);
    }
    let result = backstop::process::spawn(family(&home));
    // It never became the program, which would have told of its own child.
    let ended = result.is_err() && !home.join("grandchild").exists();
    rustix::process::kill_process(reaper, rustix::process::Signal::CONT).unwrap();
    drop(kept);
    std::process::exit(if ended { 7 } else { 8 });
}

#[test]
fn a_child_that_cannot_be_registered_never_becomes_its_program() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(part("part_full_reaper", home.path()).code(), Some(7));
}

#[test]
#[ignore = "run by the test below"]
fn part_number_reused() {
    // SAFETY: no handler.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    let mut command = Command::new("sh");
    command.args(["-c", "read line"]).stdin(Stdio::piped());
    let mut child = backstop::process::spawn(command).unwrap();
    drop(child.stdin.take());
    let number = child.id();
    while Path::new(&format!("/proc/{number}")).exists() {
        thread::sleep(Duration::from_millis(1));
    }
    // Another process gets the number, and a group of its own.
    let mut stranger = None;
    for _ in 0..1_000 {
        if fs::write("/proc/sys/kernel/ns_last_pid", (number - 1).to_string()).is_err() {
            break;
        }
        let mut command = Command::new("sleep");
        command.arg("30").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        #[allow(clippy::zombie_processes, reason = "nobody waits where SIGCHLD is ignored")]
        let mut next = command.process_group(0).spawn().unwrap();
        if next.id() == number {
            stranger = Some(next);
            break;
        }
        let _ = next.kill();
    }
    let Some(mut stranger) = stranger else {
        eprintln!("SKIPPED: the number could not be had again");
        std::process::exit(7)
    };
    // It would wait for the stranger then, which here is a child, too.
    thread::spawn(move || drop(child));
    thread::sleep(Duration::from_millis(200));
    let survived = lives(&number.to_string());
    let _ = stranger.kill();
    std::process::exit(if survived { 7 } else { 8 });
}

#[test]
fn a_group_that_has_the_number_of_a_child_that_the_system_let_go_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(part("part_number_reused", home.path()).code(), Some(7));
}

#[test]
#[ignore = "run by the test below"]
fn part_unreadable() {
    let home = home();
    // SAFETY: changes this process's user.
    unsafe { assert_eq!(libc::setresuid(65534, 65534, 65534), 0) };
    let dir = create_dir(home.join("dir"), Survives::Exit).unwrap();
    let file = create_file(home.join("file"), Survives::Exit).unwrap();
    for path in [dir.path(), file.path()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o0)).unwrap();
    }
    let results = (dir.remove(), file.remove());
    println!("{results:?}");
    std::process::exit(if results.0.is_ok() && results.1.is_ok() { 7 } else { 8 });
}

#[test]
fn what_is_ours_and_was_made_unreadable_is_removed() {
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(part("part_unreadable", home.path()).code(), Some(7));
}

#[test]
#[ignore = "run by the test below"]
fn part_journal_opened() {
    let recovery = backstop::journal::open();
    println!("{recovery:?}");
    let made = scratch::dir(Survives::Reboot);
    println!("{made:?}");
    std::process::exit(if made.is_ok() { 7 } else { 8 });
}

#[test]
fn the_journal_is_open_after_what_the_error_advises() {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", "part_journal_opened", "--ignored", "--nocapture"])
        .env("XDG_STATE_HOME", home.path())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(7));
}
