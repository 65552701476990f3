//! Programs of many functions, made of assembly: a small one whose verdicts are looked at, and a large one
//! whose time and memory are.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use cargo_backstop::policy::Policy;
use cargo_backstop::program::Program;
use cargo_backstop::source::Source;
use cargo_backstop::verdict::{Judge, Verdict};
use support::many::{MARKED, program};

fn verdicts(program: &Program, file: &[u8]) -> Vec<Verdict> {
    let (policy, source, ours) = (Policy::new(), Source::of(file), BTreeSet::new());
    let findings = Judge::new(program, &policy, &source, &ours).findings();
    findings.into_iter().map(|finding| finding.verdict).collect()
}

const ALTERNATING: [Verdict; 2] = [Verdict::Proven, Verdict::Violated];

#[test]
fn of_many_functions_those_that_lead_to_a_sink_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = program(folder.path(), 2000);
    let program = Program::read(&file).expect("a program");
    assert_eq!(program.functions().count(), 2000 + MARKED + 2);
    assert_eq!(verdicts(&program, &file), ALTERNATING.repeat(MARKED / 2));
}

/// Forgets how much memory this process had at most.
fn forget_memory() {
    fs::write("/proc/self/clear_refs", "5").expect("the kernel forgets");
}

/// The most memory that this process had since then, in kilobytes.
fn most_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("the kernel tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
#[ignore = "takes a minute and says how long: see the README"]
fn a_million_functions() {
    let folder = tempfile::tempdir().expect("a folder");
    println!("| functions | edges | file, MB | read, s | judged, s | memory over the file, MB |");
    println!("|---:|---:|---:|---:|---:|---:|");
    let mut seconds: Vec<Duration> = Vec::new();
    for functions in [125_000, 250_000, 500_000, 1_000_000] {
        let file = program(folder.path(), functions);
        forget_memory();
        let before = most_memory();
        let begun = Instant::now();
        let program = Program::read(&file).expect("a program");
        let read = begun.elapsed();
        let found = verdicts(&program, &file);
        let (all, judged) = (begun.elapsed(), begun.elapsed().saturating_sub(read));
        assert_eq!(found, ALTERNATING.repeat(MARKED / 2));
        println!(
            "| {functions} | {} | {} | {:.2} | {:.2} | {} |",
            program.graph.edge_count(),
            file.len() / 1_000_000,
            read.as_secs_f64(),
            judged.as_secs_f64(),
            most_memory().saturating_sub(before) / 1000,
        );
        seconds.push(all);
    }
    // Linear: twice as many take twice as long, with much room for other work on the machine.
    let (half, whole) = (seconds[2].as_secs_f64(), seconds[3].as_secs_f64());
    assert!(whole < 5.0 * half, "{half} s, then {whole} s");
}
