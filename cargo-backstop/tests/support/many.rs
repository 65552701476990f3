//! Programs of many functions, made of assembly.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::mark_in_assembly;

/// How many functions are marked.
pub(crate) const MARKED: usize = 10;

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
        let body = format!("lea rax, [rip + mark_of_marked{at}]\ncall function{tree}\n");
        function(&format!("marked{at}"), &body);
    }
    let calls = (0..MARKED).fold(String::new(), |calls, at| calls + &format!("call marked{at}\n"));
    function("_start", &calls);
    text.push_str(".section .rodata\n");
    for at in 0..1000 {
        let _ = writeln!(text, "constant{at}: .quad {at}");
    }
    for at in 0..MARKED {
        text += &mark_in_assembly(&format!("marked{at}"));
    }
    text.push_str(".section .data.rel.ro,\"aw\"\n");
    for at in (0..functions).step_by(50) {
        let _ = writeln!(text, ".quad function{at}");
    }
    text.push_str(".section .note.GNU-stack,\"\",@progbits\n");
    text
}

pub(crate) fn program(folder: &Path, functions: usize) -> Vec<u8> {
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
