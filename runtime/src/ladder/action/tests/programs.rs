//! Programs as cleanups.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Yard, committed, done, left_alone, sent};
use crate::ladder::action::Action;

#[test]
fn a_program_runs_with_its_arguments_variables_and_directory() {
    let yard = Yard::new();
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "printf '%s|%s|' \"$VALUE\" \"${HOME-none}\" >\"$1\"; pwd >>\"$1\"; cat >>\"$1\"",
            "sh",
        ])
        .arg(std::ffi::OsStr::from_bytes(b"out \n\xff"))
        .env("VALUE", "a b")
        .env_remove("HOME")
        .current_dir(&yard.path);
    let prepared = committed(Action::run(&command));
    done(prepared.perform());
    let written = fs::read(yard.at(std::ffi::OsStr::from_bytes(b"out \n\xff"))).unwrap();
    // And nothing from stdin, at once.
    assert_eq!(written, format!("a b|none|{}\n", yard.path.display()).into_bytes());
}

#[test]
fn a_program_that_fails_is_an_error() {
    let fails = Action::run(Command::new("sh").args(["-c", "exit 3"]));
    let error = committed(fails).perform().unwrap_err();
    assert!(error.to_string().contains("exit status: 3"), "{error}");
}

#[test]
fn a_program_that_hangs_is_killed_with_what_it_started() {
    let yard = Yard::new();
    let script = "sleep 100 & echo $! >pid; wait";
    let action = Action::run(Command::new("sh").args(["-c", script]).current_dir(&yard.path));
    let prepared = committed(action.with_timeout(Duration::from_secs(5)));
    let began = Instant::now();
    let error = prepared.perform().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(began.elapsed() < Duration::from_secs(90));
    let pid = fs::read_to_string(yard.at("pid")).unwrap();
    let began = Instant::now();
    // Dead, and a zombie until whoever inherited it waits for it.
    while fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| !stat.contains(") Z"))
    {
        assert!(began.elapsed() < Duration::from_secs(120), "{pid} lives");
        std::thread::yield_now();
    }
}

#[test]
fn an_announced_program_is_not_run() {
    let yard = Yard::new();
    let action = Action::run(Command::new("touch").arg(yard.at("ran")));
    let mut prepared = sent(&action.clone().prepare().unwrap());
    assert!(!prepared.is_committed());
    assert!(left_alone(prepared.perform()).contains("announced"));
    assert_eq!(yard.names(), [""; 0]);
    prepared.commit().unwrap();
    done(prepared.perform());
    assert_eq!(yard.names(), ["ran"]);
    fs::remove_file(yard.at("ran")).unwrap();
    action.perform().unwrap();
    assert_eq!(yard.names(), ["ran"]);
}

#[test]
fn what_cannot_be_run_is_said_beforehand() {
    let yard = Yard::new();
    let kind = |command: &Command| Action::run(command).prepare().unwrap_err().kind();
    assert_eq!(kind(&Command::new("no-such-program-anywhere")), ErrorKind::NotFound);
    assert_eq!(kind(Command::new("true").env("PATH", &yard.path)), ErrorKind::NotFound);
    assert_eq!(kind(Command::new("true").arg("a\0b")), ErrorKind::InvalidInput);
    assert_eq!(kind(&Command::new("")), ErrorKind::InvalidInput);
}

#[test]
fn a_directory_that_is_gone_is_named() {
    let yard = Yard::new();
    let prepared = committed(Action::run(Command::new("true").current_dir(yard.at("gone"))));
    let error = prepared.perform().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("no directory") && error.to_string().contains("/gone"));
}
