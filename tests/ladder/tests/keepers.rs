//! What reaper and journal, which act for a process that is gone, must know of it.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use backstop_tests_ladder::gone;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_keepers_owner");

/// Where the program keeps its things, its journal and its reaper's log. Not in memory.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::create_dir(home.path().join("things")).unwrap();
        Self(home)
    }

    fn things(&self) -> PathBuf {
        self.0.path().join("things")
    }

    fn command(&self, way: &str) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg(way).arg(self.things()).env("XDG_STATE_HOME", self.0.path());
        command
    }

    /// Starts it; what it says until it is ready.
    fn start(&self, way: &str) -> (Child, Vec<String>) {
        let mut child =
            self.command(way).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let said: Vec<_> = lines.take_while(|line| line != "ready").collect();
        (child, said)
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn with_another_root_directory_nothing_is_registered_that_others_would_look_for() {
    if !is_root() {
        eprintln!("SKIPPED: needs root");
        return;
    }
    let home = Home::new();
    let (mut child, said) = home.start("chroot");
    let [exit, kill, reboot] = &said[..] else { panic!("{said:?}") };
    assert!(exit.starts_with("exit made /"), "{exit}");
    for refused in [kill, reboot] {
        assert!(refused.contains("another root directory"), "{refused}");
    }
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    // What was refused was not made.
    assert_eq!(names(&home.things()), [exit["exit made /".len()..].to_owned()]);
}

#[test]
fn what_is_dropped_under_another_root_directory_is_reported_and_left_to_the_reaper() {
    if !is_root() {
        eprintln!("SKIPPED: needs root");
        return;
    }
    let home = Home::new();
    let mut command = home.command("chroot-later");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let made = home.things().join(line.trim_end().strip_prefix("made ").unwrap());
    line.clear();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    assert!(made.is_dir());
    let ended = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{stderr}");
    assert!(stderr.contains("is left: this process has another root directory"), "{stderr}");
    assert!(gone::within(&made, Duration::from_secs(60)).unwrap());
}

/// As the documentation of `Action::run` says.
#[test]
fn program_at_reboot_is_run_by_the_reaper_and_by_the_next_start() {
    let home = Home::new();
    let (waiting, runs) = (home.things().join("waiting"), home.things().join("runs"));
    fs::write(&waiting, "").unwrap();
    let (mut child, said) = home.start("run");
    assert_eq!(said, [] as [String; 0]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(gone::within(&waiting, Duration::from_secs(60)).unwrap());
    assert_eq!(fs::read_to_string(&runs).unwrap(), "run\n");
    for _ in 0..2 {
        assert!(home.command("look").status().unwrap().success());
        assert_eq!(fs::read_to_string(&runs).unwrap(), "run\nrun\n");
    }
}

fn names(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
