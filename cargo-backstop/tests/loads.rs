//! Addresses of functions that code loads, in assembly: where it only calls them, that is a call, and no pointer
//! can be that function. Whatever else it does with one, a pointer can be.

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;

use cargo_backstop::policy::Policy;
use cargo_backstop::program::Program;
use cargo_backstop::source::Source;
use cargo_backstop::verdict::{Judge, Verdict};
use support::mark_in_assembly;

/// Ways to load the address of `stop`, which ends the process. What is known of the function that does so, and
/// of one elsewhere that calls a pointer.
const WAYS: &[(&str, &str, Verdict, Verdict)] = &[
    // Called, and nothing else.
    ("at once", "lea rax, [rip + stop]\ncall rax", Verdict::Violated, Verdict::Proven),
    (
        "behind its arguments",
        "lea rax, [rip + stop]\nlea rdi, [rsp + 8]\nmov rsi, rcx\nxor edx, edx\ncall rax",
        Verdict::Violated,
        Verdict::Proven,
    ),
    (
        "from the linker's table",
        "mov rax, [rip + stop@GOTPCREL]\nmov edi, 1\ncall rax",
        Verdict::Violated,
        Verdict::Proven,
    ),
    (
        "by an absolute address",
        "mov eax, offset stop\ncall rax",
        Verdict::Violated,
        Verdict::Proven,
    ),
    ("by a jump for good", "lea r11, [rip + stop]\njmp r11", Verdict::Violated, Verdict::Proven),
    (
        "twice",
        "lea rax, [rip + stop]\ncall rax\nlea rax, [rip + stop]\ncall rax",
        Verdict::Violated,
        Verdict::Proven,
    ),
    // Called, and kept.
    (
        "in a constant, where anybody may read it",
        "mov rax, [rip + 9f]\ncall rax\n.section .rodata\n.balign 8\n9: .quad stop\n.text",
        Verdict::Violated,
        Verdict::Conditional,
    ),
    (
        "stored",
        "lea rax, [rip + stop]\nmov [rip + kept], rax\ncall rax",
        Verdict::Violated,
        Verdict::Conditional,
    ),
    (
        "on the stack",
        "lea rax, [rip + stop]\nmov [rsp + 8], rax\ncall rax",
        Verdict::Violated,
        Verdict::Conditional,
    ),
    (
        "pushed",
        "lea rax, [rip + stop]\npush rax\ncall rax\npop rcx",
        Verdict::Violated,
        Verdict::Conditional,
    ),
    (
        "copied",
        "lea rax, [rip + stop]\nmov rbx, rax\ncall rax",
        Verdict::Violated,
        Verdict::Conditional,
    ),
    (
        "part of a sum",
        "lea rax, [rip + stop]\nlea rcx, [rax + rax]\ncall rax",
        Verdict::Violated,
        Verdict::Conditional,
    ),
    (
        "handed to itself",
        "lea rdi, [rip + stop]\ncall rdi",
        Verdict::Violated,
        Verdict::Conditional,
    ),
    (
        "preserved by the call",
        "lea rbx, [rip + stop]\ncall rbx\nmov rdi, rbx\ncall other",
        Verdict::Violated,
        Verdict::Conditional,
    ),
    (
        "loaded again, and kept",
        "lea rax, [rip + stop]\ncall rax\nlea rax, [rip + stop]\nmov [rip + kept], rax",
        Verdict::Violated,
        Verdict::Conditional,
    ),
    (
        "returned where a branch leaves the call out",
        "lea rax, [rip + stop]\ntest edi, edi\njz 1f\ncall rax\n1: ret",
        Verdict::Violated,
        Verdict::Conditional,
    ),
    // Not called, or not for sure.
    (
        "from what may change",
        "mov rax, [rip + 9f]\ncall rax\n.data\n.balign 8\n9: .quad stop\n.text",
        Verdict::May,
        Verdict::Conditional,
    ),
    (
        "in data that is called",
        "lea rax, [rip + 9f]\ncall rax\n.data\n.balign 8\n9: .quad stop\n.text",
        Verdict::May,
        Verdict::Conditional,
    ),
    ("handed on", "lea rdi, [rip + stop]\ncall other", Verdict::May, Verdict::Conditional),
    ("returned", "lea rax, [rip + stop]\nret", Verdict::May, Verdict::Conditional),
    (
        "read by who is called",
        "lea rax, [rip + stop]\ncall other",
        Verdict::May,
        Verdict::Conditional,
    ),
    (
        "read by the kernel",
        "lea r11, [rip + stop]\nmov eax, 39\nsyscall",
        Verdict::May,
        Verdict::Conditional,
    ),
    (
        "past another call",
        "lea r11, [rip + stop]\ncall other\ncall r11",
        Verdict::May,
        Verdict::Conditional,
    ),
    (
        "exchanged",
        "lea rax, [rip + stop]\nxchg rax, rcx\ncall rcx",
        Verdict::May,
        Verdict::Conditional,
    ),
    (
        "changed in part",
        "lea rax, [rip + stop]\nmov al, 7\ncall rax",
        Verdict::May,
        Verdict::Conditional,
    ),
    (
        "one of two",
        "lea rax, [rip + other]\ntest edi, edi\njz 1f\nlea rax, [rip + stop]\n1: call rax",
        Verdict::May,
        Verdict::Conditional,
    ),
    (
        "on another way round a loop",
        "lea rax, [rip + stop]\n1: call rax\nmov rax, [rdi]\njmp 1b",
        Verdict::May,
        Verdict::Conditional,
    ),
];

/// A program that loads the address that way, in a function that is marked and in one that is not, and a marked
/// function that calls a pointer.
fn assembly(way: &str) -> String {
    let mut text =
        ".intel_syntax noprefix\n.ident \"rustc version 1.95.0 (by hand)\"\n.text\n".to_owned();
    for (name, body) in [
        ("exit", "mov eax, 231\nsyscall\n"),
        ("other", "ret\n"),
        ("stop", "call exit\n"),
        ("elsewhere", way),
        ("loads", &format!("lea rcx, [rip + mark_of_loads]\n{way}")),
        ("calls_a_pointer", "lea rcx, [rip + mark_of_calls_a_pointer]\ncall rdi"),
        ("_start", "call loads\ncall elsewhere\ncall calls_a_pointer"),
    ] {
        let _ = write!(
            text,
            ".globl {name}\n.type {name}, @function\n{name}:\n{body}\nret\n.size {name}, . - {name}\n"
        );
    }
    text += ".section .rodata\n";
    for name in ["loads", "calls_a_pointer"] {
        text += &mark_in_assembly(name);
    }
    text + ".bss\n.balign 8\nkept: .quad 0\n.section .note.GNU-stack,\"\",@progbits\n"
}

#[test]
fn an_address_that_is_only_called_is_no_pointer() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, path) = (folder.path().join("loads.s"), folder.path().join("loads"));
    for (name, way, own, elsewhere) in WAYS {
        std::fs::write(&source, assembly(way)).expect("a file is written");
        let status = Command::new("cc")
            // Relaxed, the load from the linker's table would be another one.
            .args(["-nostdlib", "-static", "-no-pie", "-Wl,--emit-relocs,--no-relax", "-o"])
            .args([&path, &source])
            .status()
            .expect("cc runs");
        assert!(status.success(), "{name}");
        let file = std::fs::read(&path).expect("the program is read");
        let program = Program::read(&file).expect("a program");
        let (policy, source, ours) = (Policy::new(), Source::of(&file), BTreeSet::new());
        let findings = Judge::new(&program, &policy, &source, &ours).findings();
        let verdict = |function: &str| {
            let mut found = findings.iter().filter(|found| found.mark.path.ends_with(function));
            found.next().map(|found| found.verdict)
        };
        assert_eq!(verdict("::loads"), Some(*own), "{name}: who loads");
        assert_eq!(verdict("::calls_a_pointer"), Some(*elsewhere), "{name}: who calls a pointer");
    }
}
