//! The attribute from end to end, at the rungs that outlive a kill: `#[backstop::main(reaper,
//! journal)]`, `#[cleanup(.., survives = ..)]`, a real SIGKILL, and who cleans up behind it.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use backstop::{Action, must_cleanup};
use backstop_tests_ladder::ends::{Process, wait_readable};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kill_attribute");

/// Where a program keeps its things, its journal and its reaper's log. Not in memory.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::create_dir(home.path().join("things")).unwrap();
        Self(home)
    }

    fn command(&self, way: &str) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg(way).arg(self.0.path().join("things")).env("XDG_STATE_HOME", self.0.path());
        command
    }

    /// The names of the things that are there.
    #[track_caller]
    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path().join("things")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    /// What the reaper did.
    fn log(&self) -> String {
        let path = self.0.path().join("backstop/kill_attribute/reaper.log");
        fs::read_to_string(path).unwrap_or_default()
    }

    fn thing(&self, name: &str) -> PathBuf {
        self.0.path().join("things").join(name)
    }

    /// Runs the way `look`, which performs what is in the journal; what it reported.
    fn next_start(&self) -> String {
        let output = self.command("look").output().unwrap();
        let report = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{report}");
        report
    }
}

/// A program that says `ready` and waits.
struct Running {
    child: Child,
    reaper: Process,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    fn start(home: &Home, way: &str) -> Self {
        let mut child =
            home.command(way).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let reaper = Process::of(0);
        let mut running = Self { child, reaper, stdout };
        let line = running.line();
        let pid = line.strip_prefix("ready ").unwrap_or_else(|| panic!("{line:?}"));
        running.reaper = Process::of(pid.parse().unwrap());
        running
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        if self.stdout.buffer().is_empty() {
            wait_readable(std::os::fd::AsFd::as_fd(self.stdout.get_ref()), "the program's line");
        }
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Kills it, and waits until the reaper has cleaned up.
    fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().signal(), Some(9));
        self.reaper.wait("the reaper's end");
    }

    /// Kills the reaper before the program, so that only the journal is left.
    fn kill_with_reaper(mut self) {
        // A stopped program starts no other one.
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        let options = rustix::process::WaitOptions::UNTRACED;
        let (_, status) = rustix::process::waitpid(Some(pid), options).unwrap().unwrap();
        assert!(status.stopped());
        self.reaper.kill();
        self.reaper.wait("the reaper's end");
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().signal(), Some(9));
    }

    /// Lets it end by itself.
    fn end(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
        self.reaper.wait("the reaper's end");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_killed_program_is_cleaned_up_behind_by_the_reaper() {
    for way in ["let-kill", "statement-kill", "let-reboot", "statement-reboot", "defer-kill"] {
        let home = Home::new();
        let running = Running::start(&home, way);
        assert_eq!(home.names(), ["thing"], "{way}");
        running.kill();
        assert_eq!(home.names(), [""; 0], "{way}: {}", home.log());
        assert!(home.log().contains("done"), "{way}: {}", home.log());
    }
}

#[test]
fn a_program_killed_with_its_reaper_is_cleaned_up_behind_by_the_next_start() {
    for way in ["let-reboot", "statement-reboot"] {
        let home = Home::new();
        let running = Running::start(&home, way);
        running.kill_with_reaper();
        assert_eq!(home.names(), ["thing"], "{way}: {}", home.log());
        let report = home.next_start();
        assert_eq!(home.names(), [""; 0], "{way}: {report}");
        assert!(report.contains("performed"), "{way}: {report}");
    }
}

#[test]
fn the_rung_kill_ends_with_the_reaper() {
    let home = Home::new();
    Running::start(&home, "let-kill").kill_with_reaper();
    let report = home.next_start();
    assert_eq!(home.names(), ["thing"], "{report}");
}

#[test]
fn a_guard_that_ran_leaves_nothing_to_the_reaper_and_the_journal() {
    for way in ["let-kill", "statement-kill", "let-reboot", "statement-reboot", "defer-kill"] {
        let home = Home::new();
        Running::start(&home, way).end();
        assert_eq!(home.names(), [""; 0], "{way}");
        assert_eq!(home.log(), "", "{way}");
        assert_eq!(home.next_start(), "", "{way}");
    }
}

#[test]
fn a_guard_that_ran_before_a_kill_leaves_nothing_either() {
    let home = Home::new();
    Running::start(&home, "over").kill();
    assert_eq!((home.names(), home.log()), (vec![], String::new()));
    assert_eq!(home.next_start(), "");
}

#[test]
fn what_was_dismissed_stays_after_a_kill_and_after_the_next_start() {
    for way in ["dismiss-kill", "dismiss-reboot"] {
        let home = Home::new();
        Running::start(&home, way).kill();
        assert_eq!((home.names(), home.log()), (vec!["thing".to_owned()], String::new()), "{way}");
        assert_eq!(home.next_start(), "", "{way}");
        assert_eq!(home.names(), ["thing"], "{way}");
    }
}

#[test]
fn dismissal_at_reboot_is_durable_when_it_returns() {
    let home = Home::new();
    Running::start(&home, "dismiss-reboot").kill_with_reaper();
    assert_eq!(home.next_start(), "");
    assert_eq!(home.names(), ["thing"]);
}

#[test]
fn what_a_success_made_for_good_stays_after_a_later_kill() {
    for way in ["failure-kill", "failure-reboot"] {
        let home = Home::new();
        Running::start(&home, way).kill();
        assert_eq!((home.names(), home.log()), (vec!["thing".to_owned()], String::new()), "{way}");
        home.next_start();
        assert_eq!(home.names(), ["thing"], "{way}");
    }
}

#[test]
fn the_process_end_within_an_on_failure_block_is_a_failure() {
    let home = Home::new();
    Running::start(&home, "failure-within").kill();
    assert_eq!(home.names(), [""; 0], "{}", home.log());
}

#[test]
fn a_statement_is_committed_after_it_and_not_before() {
    // Killed within the statement: announced, made, and not said to be ours.
    let home = Home::new();
    Running::start(&home, "statement-within").kill();
    assert_eq!(home.names(), ["thing"], "{}", home.log());
    assert!(home.log().contains("left alone"), "{}", home.log());

    let home = Home::new();
    Running::start(&home, "statement-within-reboot").kill_with_reaper();
    let report = home.next_start();
    assert_eq!(home.names(), ["thing"], "{report}");
    assert!(report.contains("left alone"), "{report}");

    // Killed behind it: the same, and said to be ours.
    let home = Home::new();
    Running::start(&home, "statement-kill").kill();
    assert_eq!(home.names(), [""; 0], "{}", home.log());

    let home = Home::new();
    Running::start(&home, "statement-reboot").kill_with_reaper();
    let report = home.next_start();
    assert_eq!(home.names(), [""; 0], "{report}");
}

#[test]
fn a_cleanup_that_failed_in_the_process_is_tried_again_by_the_reaper() {
    let home = Home::new();
    let mut running = Running::start(&home, "fails-first");
    assert!(home.thing("thing").exists());
    drop(running.child.stdin.take());
    assert!(running.child.wait().unwrap().success());
    running.reaper.wait("the reaper's end");
    // `false` in the process, and again in the reaper: it counts how often it was run.
    assert_eq!(fs::read_to_string(home.thing("thing")).unwrap(), "made\nrun\nrun\n");
    assert!(home.log().contains("failed"), "{}", home.log());
}

#[test]
fn two_rungs_in_one_function_are_cleaned_up_last_first() {
    let expected = "second\nfirst\n";
    let home = Home::new();
    Running::start(&home, "order").end();
    assert_eq!(fs::read_to_string(home.thing("order")).unwrap(), expected);
    let home = Home::new();
    Running::start(&home, "order").kill();
    assert_eq!(fs::read_to_string(home.thing("order")).unwrap(), expected, "{}", home.log());
}

#[must_cleanup]
fn needs_a_reaper(thing: &Path) -> std::io::Result<()> {
    #[cleanup(Action::remove_file(thing), survives = kill)]
    fs::write(thing, "")?;
    Ok(())
}

#[must_cleanup]
fn needs_a_journal(thing: &Path) -> std::io::Result<()> {
    #[cleanup(Action::remove_file(thing), survives = reboot)]
    fs::write(thing, "")?;
    Ok(())
}

#[test]
fn a_rung_that_nobody_keeps_is_a_panic_that_names_the_remedy_before_the_statement() {
    let home = Home::new();
    let thing = home.thing("thing");
    for (function, rung, remedy) in [
        (needs_a_reaper as fn(&Path) -> _, "`kill`", "#[backstop::main(reaper)]"),
        (needs_a_journal, "`reboot`", "#[backstop::main(journal)]"),
    ] {
        let payload = catch_unwind(AssertUnwindSafe(|| function(&thing))).unwrap_err();
        let message = payload.downcast_ref::<String>().unwrap();
        assert!(message.contains(rung) && message.contains(remedy), "{message}");
        // It replays what others left, and opens nothing.
        assert!(!message.contains("recover()"), "{message}");
        assert_eq!(home.names(), [""; 0], "nothing was made");
    }
}
