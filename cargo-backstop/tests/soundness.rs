//! What is proven, tried: the fixtures run under a debugger that stops them at each sink, with inputs that
//! lead to it, and no function that is proven is ever on the stack there.

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use backstop_rules::Group;
use cargo_backstop::policy::{self, Policy};
use cargo_backstop::program::{Function, Kind, Program};
use cargo_backstop::source::Source;
use cargo_backstop::verdict::{Judge, Verdict};
use support::{fixture, target, verify};

/// Where the debugger stops: functions, and the system calls below all of them. After `execve` there
/// is another program.
const SCRIPT: &str = "\
set pagination off
set confirm off
set width 0
set debuginfod enabled off
set startup-with-shell off
set breakpoint pending on
set print frame-arguments none
set language c
break -qualified exit
break -qualified abort
break -qualified pthread_create
break -qualified longjmp
catch syscall exit_group
catch syscall execve
commands 1-5
silent
echo HIT\\n
output/x (unsigned long)&main
echo \\n
backtrace
continue
end
commands 6
silent
echo HIT\\n
output/x (unsigned long)&main
echo \\n
backtrace
kill
end
";

/// A stop: how, and the addresses on the stack, as they stand in the file.
struct Hit {
    run: usize,
    /// If it makes a thread: one that may outlive its caller.
    spawns: bool,
    stack: Vec<u64>,
    told: String,
}

impl Hit {
    fn makes_thread(&self) -> bool {
        self.told.lines().nth(1).is_some_and(|line| line.contains("pthread_create"))
    }
}

/// A function that is marked, and what was found.
struct Judged {
    range: std::ops::Range<u64>,
    path: String,
    verdict: Verdict,
    groups: Vec<Group>,
    allowed: bool,
}

fn judged(program: &Program, file: &[u8]) -> Vec<Judged> {
    let (policy, source, ours) = (Policy::new(), Source::of(file), BTreeSet::new());
    let judge = Judge::new(program, &policy, &source, &ours);
    let findings = judge.findings();
    let mut all = Vec::new();
    for (node, mark) in &program.marked {
        let mark = &program.marks[*mark];
        let finding = findings.iter().find(|found| found.mark == *mark).expect("a finding");
        let Kind::Function(function) = program.kind(*node) else { continue };
        all.push(Judged {
            range: function.start..function.end,
            path: mark.path.clone(),
            verdict: finding.verdict,
            groups: policy::groups(&mark.attributes),
            allowed: !finding.allowed.is_empty(),
        });
    }
    all
}

/// Whether a debugger can be used here. Where not, that is said.
fn can_debug(program: &Path) -> bool {
    let tried = Command::new("gdb")
        .args([
            "-nx",
            "-batch",
            "-ex",
            "set startup-with-shell off",
            "-ex",
            "starti",
            "-ex",
            "kill",
        ])
        .arg(program)
        .stdin(Stdio::null())
        .output();
    let works = match &tried {
        Ok(output) => String::from_utf8_lossy(&output.stdout).contains("Program stopped"),
        Err(_) => false,
    };
    if !works {
        eprintln!("SKIPPED: gdb cannot run a program here: {tried:?}");
    }
    works
}

/// Runs the program once with each of the arguments: where it was stopped.
fn hits(program: &Path, main: u64, runs: &[String]) -> Vec<Hit> {
    let mut hits: Vec<Hit> = Vec::new();
    let mut done = 0;
    while done < runs.len() {
        let told = session(program, &runs[done..]);
        // It may end before its script does: a program can leave nothing behind that could run again.
        let before = done;
        for told in told.split("RUN\n").skip(1) {
            hits.extend(told.split("HIT\n").skip(1).map(|told| hit(told, main, done)));
            done += 1;
        }
        assert!(before < done, "gdb runs nothing: {told}");
    }
    hits
}

fn session(program: &Path, runs: &[String]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("script");
    let mut text = SCRIPT.to_owned();
    for arguments in runs {
        let _ = write!(text, "echo RUN\\n\nrun {arguments}\n");
    }
    std::fs::write(&script, text).expect("a file is written");
    let output = Command::new("gdb")
        .args(["-nx", "-batch", "-x"])
        .args([&script, program])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("gdb runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn hit(told: &str, main: u64, run: usize) -> Hit {
    let number = |text: &str| u64::from_str_radix(text.strip_prefix("0x")?, 16).ok();
    let mut lines = told.lines();
    let base = lines.next().and_then(number).expect("where `main` is") - main;
    // `#3  0x0000555555580600 in ..`; inlined ones have no address.
    let frames = lines.filter(|line| line.starts_with('#'));
    let addresses = frames.filter_map(|line| number(line.split_whitespace().nth(1)?));
    Hit {
        run,
        // Of a scope, a thread does not outlive its caller.
        spawns: !told.contains("spawn_scoped"),
        stack: addresses.map(|address| address.wrapping_sub(base)).collect(),
        told: told.to_owned(),
    }
}

/// Runs a program under the debugger, and checks every stop: of the functions that are not proven,
/// those that were seen on the stack of one.
fn check(path: &Path, runs: &[String]) -> BTreeSet<String> {
    let file = std::fs::read(path).expect("the program is read");
    let program = Program::read(&file).expect("a program");
    let judged = judged(&program, &file);
    let is_main = |function: &Function| function.names.iter().any(|name| name == "main");
    let mut functions = program.functions();
    let main = functions.find(|(_, function)| is_main(function)).expect("main").1.start;
    let hits = hits(path, main, runs);
    // Every run ends, and so gets to a sink at least then.
    for (at, run) in runs.iter().enumerate() {
        let mut ends = hits.iter().filter(|hit| hit.run == at && !hit.makes_thread());
        assert!(ends.next().is_some(), "nothing stopped `{run}`");
    }
    let mut seen = BTreeSet::new();
    for hit in &hits {
        // A call returns behind itself, which may be past the end of its function.
        let on_stack = |function: &&Judged| {
            hit.stack.iter().any(|address| function.range.contains(&(address - 1)))
        };
        let group = match (hit.makes_thread(), hit.spawns) {
            (false, _) => Group::Exit,
            (true, true) => Group::Detach,
            (true, false) => continue,
        };
        for function in judged.iter().filter(on_stack).filter(|it| it.groups.contains(&group)) {
            assert!(
                function.verdict != Verdict::Proven || function.allowed,
                "{} is proven, and is on the stack of\n{}",
                function.path,
                hit.told
            );
            seen.insert(function.path.clone());
        }
    }
    seen
}

fn built(workspace: &str, arguments: &[&str]) -> PathBuf {
    let (report, _) = verify(&fixture(workspace), &target(workspace), arguments);
    let path = report["programs"][0]["path"].as_str().expect("a path");
    fixture(workspace).join(path)
}

#[test]
fn what_is_proven_is_never_on_the_stack_where_the_process_ends() {
    for profile in [&[][..], &["--release"], &["--profile", "fat"]] {
        let path = built("programs", &[profile, &["--bin", "harmless"]].concat());
        if !can_debug(&path) {
            return;
        }
        assert_eq!(check(&path, &[String::new()]), BTreeSet::new());
    }
}

/// The server answers requests to each of its functions meanwhile.
#[test]
fn async_functions_that_are_proven_are_never_on_the_stack_where_the_process_ends() {
    let path = built("served", &["--release", "--bin", "server"]);
    if !can_debug(&path) {
        return;
    }
    let output = Command::new(&path).output().expect("the server runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(check(&path, &[String::new()]), BTreeSet::new());
}

/// On the stack of no sink: the thread or the task that it starts is.
const ELSEWHERE: &[&str] = &["reaching::in_a_thread", "bad::in_a_task"];

#[test]
fn what_reaches_a_sink_is_seen_there_with_inputs_that_lead_to_it() {
    check_reaching("programs", "reaching");
}

#[test]
fn an_async_function_that_reaches_a_sink_is_seen_there_with_inputs_that_lead_to_it() {
    check_reaching("served", "bad");
}

fn check_reaching(workspace: &str, program: &str) {
    for (profile, optimised) in [(&[][..], false), (&["--release"], true)] {
        let path = built(workspace, &[profile, &["--bin", program]].concat());
        if !can_debug(&path) {
            return;
        }
        let file = std::fs::read(&path).expect("the program is read");
        let program = Program::read(&file).expect("a program");
        let names: BTreeSet<String> =
            judged(&program, &file).into_iter().map(|one| one.path).collect();
        let last = |name: &String| name.rsplit("::").next().unwrap_or_default().to_owned();
        let mut runs: Vec<String> =
            names.iter().map(|name| format!("{} 9001", last(name))).collect();
        runs.push(String::new());
        let seen = check(&path, &runs);
        let missed: Vec<_> = names
            .iter()
            .filter(|name| !seen.contains(*name) && !ELSEWHERE.contains(&name.as_str()))
            .collect();
        // The optimiser makes jumps of last calls, and who made one is not on the stack any more.
        let most = if optimised { names.len() / 2 } else { 0 };
        assert!(missed.len() <= most, "never seen at a sink: {missed:#?}");
    }
}
