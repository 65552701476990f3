//! `kill -9` at every step: a program makes one thing and removes it again, and is ended at each
//! system call on the way, one run for each.
//!
//! What the helpers make, nothing is left of, wherever the program ended. What the user's own code
//! makes under the attribute is left if the end came before the registration knew which thing it is,
//! as documented, and then it is left whole.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use backstop_tests_ladder::ends::{Process, read_to_end};
use backstop_tests_ladder::step::{Stepped, kill_past_mark};

const PROGRAM: &str = env!("CARGO_BIN_EXE_kill_steps");

/// More than any of these programs makes.
const MOST: u64 = 4000;

/// What one run that was ended has left.
struct Left {
    /// What the program said.
    said: Vec<String>,
    /// What the reaper, or the next start, reported.
    report: String,
    /// The names in the directory of the things.
    names: Vec<String>,
    /// Whether the thing of the user's own code is there as it was made.
    whole: bool,
}

impl Left {
    fn has_said(&self, what: &str) -> bool {
        self.said.iter().any(|line| line == what)
    }
}

/// How often the program had come how far when it ended.
#[derive(Debug, Default)]
struct Count {
    nothing_made: u32,
    made: u32,
    removed: u32,
    left: u32,
}

/// Ends the program at each of its calls until one run comes to its end by itself.
fn at_every_step(rung: &str, helper: &str, judge: impl Fn(&Left)) {
    let mut count = Count::default();
    // Where a call is left and where the next one is entered, the world is the same: every second
    // stop is enough. The first is an entry or an exit, as the mark itself is a call.
    for stop in (1..MOST).step_by(2) {
        let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::create_dir(home.path().join("things")).unwrap();
        let (stepped, left) = run(home.path(), rung, helper, stop);
        judge(&left);
        *match (left.has_said("made"), left.has_said("removed")) {
            (_, true) => &mut count.removed,
            (true, _) => &mut count.made,
            (false, _) => &mut count.nothing_made,
        } += 1;
        count.left += u32::from(!left.names.is_empty());
        match stepped {
            Stepped::Killed => {}
            Stepped::Ended(0) => {
                println!("{rung} {helper}: {count:?}");
                assert!(left.has_said("removed"), "{:?}", left.said);
                assert!(count.nothing_made > 5 && count.made > 5 && count.removed > 0, "{count:?}");
                return;
            }
            Stepped::Ended(status) => panic!("wait status {status:#x}: {:?}", left.said),
        }
    }
    panic!("{MOST} stops, and no end");
}

/// Runs the program up to the stop, and lets who is to clean up behind it do so.
fn run(home: &Path, rung: &str, helper: &str, stop: u64) -> (Stepped, Left) {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let mut command = Command::new(PROGRAM);
    command.arg(home).args([rung, helper]).stdin(Stdio::null());
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    let stepped = kill_past_mark(&mut command, stop).unwrap();
    // With it goes this side's copy of the pipe.
    drop(command);
    let said = read_to_end(fs::File::from(reader), "the end of the program and its children");
    let said: Vec<_> = said.unwrap().lines().map(str::to_owned).collect();
    let report = if rung == "kill" {
        let reaper = said.iter().find_map(|line| line.strip_prefix("reaper "));
        Process::of(reaper.expect("it has a reaper").parse().unwrap()).wait("the reaper's end");
        fs::read_to_string(home.join("log")).unwrap_or_default()
    } else {
        let look = Command::new(PROGRAM).arg(home).args([rung, "look"]).output().unwrap();
        assert!(look.status.success(), "{look:?}");
        String::from_utf8_lossy(&look.stdout).into_owned()
    };
    let names = fs::read_dir(home.join("things")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let whole = fs::read_to_string(home.join("things/thing/text")).is_ok_and(|it| it == "text");
    (stepped, Left { said, report, names: names.collect(), whole })
}

/// What our helpers make is ours from the first instant on.
fn nothing_is_left(left: &Left) {
    assert!(left.names.is_empty(), "{:?}; {:?}; {}", left.names, left.said, left.report);
}

/// What the user's code makes is ours from the commit on.
fn left_whole_before_the_commit_only(left: &Left) {
    if !left.has_said("making") || left.has_said("committed") {
        return nothing_is_left(left);
    }
    if !left.names.is_empty() {
        assert_eq!(left.names, ["thing"], "{:?}; {}", left.said, left.report);
        assert!(left.whole || !left.has_said("made"), "{:?}; {}", left.said, left.report);
    }
}

/// As above; and it was announced, so that somebody says what is left.
fn reported_if_left(left: &Left) {
    left_whole_before_the_commit_only(left);
    if !left.names.is_empty() {
        assert!(left.report.contains("left alone"), "{:?}; {}", left.said, left.report);
    }
}

macro_rules! steps {
    ($($test:ident: $rung:literal $helper:literal $judge:ident;)*) => {
        $(
            #[test]
            fn $test() {
                at_every_step($rung, $helper, $judge);
            }
        )*
    };
}

steps! {
    no_step_leaves_a_scratch_directory_to_nobody: "kill" "scratch_dir" nothing_is_left;
    no_step_leaves_a_scratch_file_to_nobody: "kill" "scratch_file" nothing_is_left;
    no_step_leaves_a_directory_to_nobody: "kill" "create_dir" nothing_is_left;
    no_step_leaves_a_file_to_nobody: "kill" "create_file" nothing_is_left;
    no_step_leaves_a_socket_to_nobody: "kill" "create_socket" nothing_is_left;
    no_step_leaves_a_child_or_its_child_alive: "kill" "spawn" nothing_is_left;
    a_let_at_kill_is_left_whole_before_its_registration_only:
        "kill" "let" left_whole_before_the_commit_only;
    a_statement_at_kill_is_left_whole_and_reported_before_its_commit_only:
        "kill" "statement" reported_if_left;
    no_step_leaves_a_scratch_directory_after_the_next_start: "reboot" "scratch_dir" nothing_is_left;
    no_step_leaves_a_scratch_file_after_the_next_start: "reboot" "scratch_file" nothing_is_left;
    no_step_leaves_a_directory_after_the_next_start: "reboot" "create_dir" nothing_is_left;
    no_step_leaves_a_file_after_the_next_start: "reboot" "create_file" nothing_is_left;
    no_step_leaves_a_socket_after_the_next_start: "reboot" "create_socket" nothing_is_left;
    a_let_at_reboot_is_left_whole_before_its_registration_only:
        "reboot" "let" left_whole_before_the_commit_only;
    a_statement_at_reboot_is_left_whole_and_reported_before_its_commit_only:
        "reboot" "statement" reported_if_left;
}
