//! The example `survive` as a program: its command line, its output, and what it leaves behind.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::SIGINT;
use signal_hook::flag::register_conditional_default;
use support::example;

/// It, with nothing of the terminal that the tests may run in.
fn survive(arguments: &[&str]) -> Command {
    let mut command = example("survive");
    command.args(arguments).env_remove("CLICOLOR_FORCE").env_remove("NO_COLOR");
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The line of a row's details that is about this column.
fn line<'t>(text: &'t str, column: &str) -> &'t str {
    let mut lines = text.lines();
    lines.find(|line| line.trim_start().starts_with(column)).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn a_row_is_explained_with_what_its_processes_did_and_said() {
    let output = survive(&["cleanup-panics-while-unwinding", "kill"]).output().unwrap();
    let text = stdout(&output);
    assert!(output.status.success(), "{text}{}", stderr(&output));
    assert!(text.contains("so does a cleanup that runs before that of the resource."), "{text}");
    assert!(line(&text, "Drop").contains("✗ left     SIGABRT"), "{text}");
    assert!(line(&text, "left").ends_with("scratch-1/  scratch-1/draft"), "{text}");
    assert!(line(&text, "unwind").contains("✓          exit 101"), "{text}");
    assert!(text.contains("stderr   a cleanup panics"), "{text}");
    let (_, kill) = text.split_once("is sent SIGKILL.").unwrap();
    assert!(line(kill, "kill").contains("◆ reaper   SIGKILL"), "{text}");
    assert!(stderr(&output).starts_with("12 of 12 cells as docs/guarantees.md says"));
}

#[test]
fn a_row_of_tasks_is_shown_in_each_of_its_tables_and_explained_once() {
    let output = survive(&["runtime-shut-down"]).output().unwrap();
    let text = stdout(&output);
    assert!(output.status.success(), "{text}{}", stderr(&output));
    assert_eq!(text.matches("with which its runtime is dropped.").count(), 1, "{text}");
    assert!(line(&text, "reboot").contains("✓          exit 0"), "{text}");
    assert!(line(&text, "spawned").contains("✗ left     exit 0"), "{text}");
    assert!(line(&text, "async-main").contains("✓          exit 0"), "{text}");
    assert!(line(&text, "on_success").contains("✗ success"), "{text}");
    assert!(line(&text, "on ").contains("✓ cancel"), "{text}");
    assert!(stderr(&output).starts_with("12 of 12 cells as docs/guarantees.md says"));
}

/// Asserts that nothing is left of a run in this directory.
fn assert_nothing_left(place: &Path) {
    assert_eq!(fs::read_dir(place).unwrap().count(), 0);
    let mark = format!("BACKSTOP_SURVIVE_CELL={}", place.display());
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        // Of what is not a process, or not ours, there is nothing to read.
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment);
        assert!(!environment.contains(&mark), "{} runs on", entry.path().display());
    }
}

/// Lets the programs that this process starts find SIGINT at its default. What is ignored is inherited, as by
/// what a script starts in the background, and what is handled is not.
fn sigint_is_for_children() {
    // This process ends by it as ever.
    register_conditional_default(SIGINT, Arc::new(AtomicBool::new(true))).unwrap();
}

#[test]
fn nothing_is_left_of_a_run_that_is_interrupted() {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    sigint_is_for_children();
    let mut command = survive(&["panic", "cleanup-hangs"]);
    command.env("TMPDIR", place.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut running = command.spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    // All cells of the one row, while those of the other hang, for five seconds more.
    assert!(lines.any(|line| line.unwrap().starts_with("  reboot")));
    assert!(fs::read_dir(place.path()).unwrap().count() > 0);
    let pid = Pid::from_raw(running.id().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(running.wait().unwrap().signal(), Some(SIGINT));
    assert_nothing_left(place.path());
}

#[test]
fn signals_that_are_ignored_outside_end_the_processes_all_the_same() {
    let mut command = Command::new("sh");
    let program = survive(&[]).get_program().to_owned();
    let script = "trap '' HUP INT TERM; exec \"$0\" sighup sigint sigterm";
    let output = command.args(["-c", script]).arg(program).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn nothing_is_left_of_a_run() {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let rows = ["kill", "kill-both", "daemon", "forked-child", "exec", "control-group"];
    let output = survive(&rows).env("TMPDIR", place.path()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_nothing_left(place.path());
}

#[test]
fn colours_are_for_terminals_and_for_who_asks() {
    let plain = survive(&["panic", "--verbose"]).output().unwrap();
    assert!(!stdout(&plain).contains('\x1b') && !stderr(&plain).contains('\x1b'));
    let colourful = survive(&["panic"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(stdout(&colourful).contains("\x1b[32m✓"), "{}", stdout(&colourful));
}

#[test]
fn a_process_that_does_not_end_as_it_should_is_told_and_fails_the_run() {
    let output = survive(&["panic-abort", "--abort-program", "/bin/false"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = "differs  panic-abort × Drop: ended by exit 1 and not SIGABRT\n";
    assert!(stderr(&output).contains(told), "{}", stderr(&output));
    assert!(stderr(&output).contains("\n0 of 6 cells as docs/guarantees.md says"));
}

#[test]
fn a_wrong_command_line_is_told_apart() {
    for (arguments, expected) in [
        (&["sigtrem"][..], "there is no row `sigtrem`; did you mean `sigterm`?"),
        (&["zzz"], "there is no row `zzz`\n"),
        (&["--jobs", "0"], "`0` is no value for `--jobs`"),
        (&["--jobs"], "--jobs"),
        (&["--abort-program", "/nowhere"], "there is no program `/nowhere`"),
        (&["kill", "--markdown"], "`--markdown` is about all rows"),
        (&["--fast"], "--fast"),
    ] {
        let output = survive(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
        assert!(stderr(&output).starts_with("error: "), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
    let output = survive(&["--help"]).output().unwrap();
    assert!(output.status.success());
    assert!(stdout(&output).contains("Usage: survive [ROW]..."));
    assert!(stdout(&output).contains("\n  kill-group "));
}

#[test]
fn the_matrix_fits_a_terminal_of_a_hundred_columns_and_is_what_the_readme_shows() {
    let output = survive(&[]).output().unwrap();
    let text = stdout(&output);
    assert!(output.status.success(), "{}", stderr(&output));
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let readme = include_str!("../../README.md");
    let blocks = readme.split("```").filter_map(|block| block.strip_prefix("text\n way to end"));
    let mut shown = 0;
    for line in blocks.flat_map(|block| block.lines().skip(1)) {
        assert!(text.lines().any(|printed| printed == line), "the README shows {line}");
        shown += 1;
    }
    assert!(shown > 10, "the README was not read");
}
