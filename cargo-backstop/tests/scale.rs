//! Programs of many functions, made of assembly: a small one whose verdicts are looked at, and a large one
//! whose time and memory are.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cargo_backstop::policy::Policy;
use cargo_backstop::program::Program;
use cargo_backstop::source::Source;
use cargo_backstop::verdict::{Judge, Verdict};

/// How many functions are marked.
const MARKED: usize = 10;

/// Two trees of functions, each of which calls two more and refers to a constant; one in 50 has its address in
/// a table, one in 100 calls through a pointer. At the bottom of the second tree, `exit`. The
/// marked ones alternate between the trees.
fn assembly(functions: usize) -> String {
    let mut text =
        ".intel_syntax noprefix\n.ident \"rustc version 1.95.0 (by hand)\"\n.text\n".to_owned();
    let mut function = |name: &str, body: &str| {
        let _ = write!(
            text,
            ".globl {name}\n.type {name}, @function\n{name}:\n{body}ret\n.size {name}, . - {name}\n"
        );
    };
    function("exit", "mov eax, 231\nsyscall\n");
    let half = functions / 2;
    for at in 0..functions {
        let (first, own) = if at < half { (0, at) } else { (half, at - half) };
        let mut body = format!("lea rax, [rip + constant{}]\n", at % 1000);
        for child in [2 * own + 1, 2 * own + 2] {
            if child < half {
                let _ = writeln!(body, "call function{}", first + child);
            } else if at >= half && child == 2 * half - 2 {
                body.push_str("call exit\n");
            }
        }
        // Only where nothing that is proven gets to.
        if at >= half && at % 100 == 0 {
            body.push_str("call rdi\n");
        }
        function(&format!("function{at}"), &body);
    }
    for at in 0..MARKED {
        let tree = if at % 2 == 0 { 0 } else { half };
        let body = format!("lea rax, [rip + mark{at}]\ncall function{tree}\n");
        function(&format!("marked{at}"), &body);
    }
    let calls = (0..MARKED).fold(String::new(), |calls, at| calls + &format!("call marked{at}\n"));
    function("_start", &calls);
    text.push_str(".section .rodata\n");
    for at in 0..1000 {
        let _ = writeln!(text, "constant{at}: .quad {at}");
    }
    for at in 0..MARKED {
        let _ = write!(
            text,
            ".type mark{at}, @object\nmark{at}:\n.globl __BACKSTOP_MARK{at}\n.type __BACKSTOP_MARK{at}, \
             @object\n__BACKSTOP_MARK{at}:\n.ascii \"backstop-mark 1\\nno_exit\\n\\nsync\\nmarked{at}\\nmany\\n\
             many.s\\n1\\n1\\n\"\n.size __BACKSTOP_MARK{at}, . - __BACKSTOP_MARK{at}\n"
        );
    }
    text.push_str(".section .data.rel.ro,\"aw\"\n");
    for at in (0..functions).step_by(50) {
        let _ = writeln!(text, ".quad function{at}");
    }
    text.push_str(".section .note.GNU-stack,\"\",@progbits\n");
    text
}

fn program(folder: &Path, functions: usize) -> Vec<u8> {
    let (source, program) = (folder.join("many.s"), folder.join("many"));
    fs::write(&source, assembly(functions)).expect("a file is written");
    let status = Command::new("cc")
        .args(["-nostdlib", "-static", "-Wl,--emit-relocs", "-o"])
        .args([&program, &source])
        .status()
        .expect("cc runs");
    assert!(status.success());
    fs::read(program).expect("the program is read")
}

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
