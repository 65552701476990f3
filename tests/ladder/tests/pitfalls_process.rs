//! The rows of `docs/pitfalls.md` that need a process to end.
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use backstop_tests_ladder::gone;

/// How a process ended, what it printed, and whether its directory is gone.
struct Ended {
    status: ExitStatus,
    output: String,
    gone: bool,
}

fn start(rung: &str, way: &str, dir: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_pitfalls_process"))
        .args([rung, way])
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Lets the process end in its own way, or by `signal` as soon as it holds the directory.
fn end(rung: &str, way: &str, signal: Option<i32>) -> Ended {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("held");
    let mut child = start(rung, way, &dir);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut output = String::new();
    stdout.read_line(&mut output).unwrap();
    if let Some(signal) = signal {
        let pid = libc::pid_t::try_from(child.id()).unwrap();
        // SAFETY: a signal to a child that has not been waited for.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    }
    stdout.read_to_string(&mut output).unwrap();
    let status = child.wait().unwrap();
    Ended { status, output, gone: is_gone(&dir) }
}

fn is_gone(dir: &Path) -> bool {
    gone::within(dir, Duration::from_secs(120)).unwrap()
}

#[test]
fn a3_an_immediate_exit_is_cleaned_up_after_by_the_reaper() {
    let ended = end("kill", "_exit", None);
    assert_eq!(ended.status.code(), Some(4));
    assert!(ended.gone);
}

#[test]
fn a6_five_classes_of_forced_end_are_cleaned_up_after() {
    let ends =
        [("exit", None), ("abort", None), ("segv", None), ("wait", Some(15)), ("wait", Some(9))];
    for (way, signal) in ends {
        let ended = end("kill", way, signal);
        assert!(!ended.status.success(), "{way}");
        assert!(ended.gone, "{way} {signal:?}");
        // The body was cut off: its record has a beginning and no end.
        assert_eq!(ended.output, "begin\n", "{way}");
    }
}

#[test]
fn a7_kill_cuts_the_record_off_and_the_reaper_cleans_up() {
    let ended = end("kill", "wait", Some(libc::SIGKILL));
    assert_eq!((ended.status.signal(), ended.output.as_str()), (Some(9), "begin\n"));
    assert!(ended.gone);
}

#[test]
fn a7_sigterm_is_caught_and_reads_as_sigterm_all_the_same() {
    let ended = end("exit", "wait", Some(libc::SIGTERM));
    assert_eq!(ended.status.signal(), Some(15));
    assert!(ended.gone);
}

#[test]
fn a8_a_segmentation_fault_is_not_repaired_but_cleaned_up_after() {
    let ended = end("kill", "segv", None);
    assert_eq!((ended.status.signal(), ended.output.as_str()), (Some(11), "begin\n"));
    assert!(ended.gone);
}

#[test]
fn a9_the_exit_hook_runs_where_no_destructor_of_a_static_does() {
    let ended = end("exit", "exit", None);
    assert_eq!(ended.status.code(), Some(3));
    assert!(ended.gone);
}

#[test]
fn a12_main_returns_while_a_thread_holds_something_and_it_is_cleaned_up() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("held");
    let status = start("exit", "thread", &dir).wait().unwrap();
    assert!(status.success());
    assert!(!dir.exists());
}

#[test]
fn the_record_of_a_return_has_an_end() {
    for rung in ["exit", "kill"] {
        let ended = end(rung, "return", None);
        assert!(ended.status.success() && ended.gone);
        assert_eq!(ended.output, "begin\nend\n");
        let ended = end(rung, "panic", None);
        assert!(ended.status.code() == Some(101) && ended.gone);
    }
}
