//! Files that are damaged, of another kind or no program at all: an error each, never a panic or an
//! endless loop.

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use cargo_backstop::policy::Policy;
use cargo_backstop::program::{Error, Program, Unreadable, marks_of_objects};
use cargo_backstop::source::Source;
use cargo_backstop::verdict::{Judge, Verdict};
use support::mark_in_assembly;

/// A program of a few kilobytes with all that the reader looks at: a mark, a table of methods, a
/// `match` through a table of jumps, calls through pointers, a system call.
const SMALL: &str = r#"
#![no_std]
#![no_main]
use core::hint::black_box;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! { loop {} }

trait Shape { fn area(&self, by: u64) -> u64; }
struct Square(u64);
struct Circle(u64);
impl Shape for Square { fn area(&self, by: u64) -> u64 { self.0.wrapping_mul(by) } }
impl Shape for Circle { fn area(&self, by: u64) -> u64 { self.0.wrapping_mul(by) ^ 3 } }

static TABLE: [fn(u64) -> u64; 3] = [one, two, three];
#[inline(never)] fn one(x: u64) -> u64 { x ^ 1 }
#[inline(never)] fn two(x: u64) -> u64 { x ^ 2 }
#[inline(never)] fn three(x: u64) -> u64 { if x > 9 { stop() } x ^ 3 }

#[inline(never)]
fn stop() { unsafe { core::arch::asm!("syscall", in("rax") 231, in("rdi") 0, options(noreturn)) } }

#[inline(never)]
fn choose(x: u64) -> u64 {
    match x {
        0 => one(x), 1 => two(x), 2 => three(x), 3 => one(x) + 7, 4 => two(x) + 3,
        5 => three(x) * 5, 6 => one(x) - 9, 7 => two(x) / 3, _ => 0,
    }
}

#[inline(never)]
fn root(x: u64, shape: &dyn Shape) -> u64 {
    const TEXT: &[u8] = b"backstop-mark 1\nno_exit\n\nsync\nroot\nsmall\nsmall.rs\n31\n4\n";
    #[used]
    static __BACKSTOP_MARK: [u8; TEXT.len()] = match TEXT.first_chunk() {
        Some(text) => *text,
        None => [0; TEXT.len()],
    };
    black_box(&__BACKSTOP_MARK);
    choose(x) + shape.area(x) + TABLE[(x % 3) as usize](x)
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let shape: &dyn Shape = if black_box(true) { &Square(2) } else { &Circle(3) };
    black_box(root(black_box(5), shape));
    loop {}
}
"#;

fn small_program(folder: &Path) -> Vec<u8> {
    let source = folder.join("small.rs");
    let program = folder.join("small");
    std::fs::write(&source, SMALL).expect("a file is written");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status = Command::new(rustc)
        .args(["--edition=2024", "--crate-name=small", "-Cpanic=abort", "-Copt-level=1"])
        .args(["-Cdebuginfo=1", "-Csymbol-mangling-version=v0", "-Crelocation-model=pic"])
        .args(["-Clink-arg=-nostartfiles", "-Clink-arg=-nostdlib", "-Clink-arg=-Wl,--emit-relocs"])
        .arg("-o")
        .arg(&program)
        .arg(&source)
        .status()
        .expect("rustc runs");
    assert!(status.success());
    std::fs::read(program).expect("the program is read")
}

fn verdict(file: &[u8]) -> Result<Vec<Verdict>, Error> {
    let program = Program::read(file)?;
    let (policy, source, ours) = (Policy::new(), Source::of(file), BTreeSet::new());
    let judge = Judge::new(&program, &policy, &source, &ours);
    Ok(judge.findings().into_iter().map(|finding| finding.verdict).collect())
}

/// A small generator of numbers, so that each run tries the same files.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).expect("fits")).expect("fits")
    }
}

#[test]
fn damage_is_an_error_and_never_a_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = small_program(folder.path());
    assert_eq!(verdict(&file).expect("the file is whole"), [Verdict::Violated]);

    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut read, mut refused) = (0, 0);
    let mut attempt = |damaged: &[u8]| {
        match verdict(damaged) {
            Ok(_) => read += 1,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
        drop(marks_of_objects(damaged));
    };
    for end in (0..file.len()).step_by(file.len() / 200 + 1) {
        attempt(&file[..end]);
    }
    for _ in 0..5_000 {
        let mut damaged = file.clone();
        for _ in 0..=numbers.below(8) {
            // Headers and tables are at both ends; a change there does the most.
            let at = match numbers.below(3) {
                0 => numbers.below(64),
                1 => file.len() - 1 - numbers.below(file.len().min(2400)),
                _ => numbers.below(file.len()),
            };
            damaged[at] = match numbers.below(3) {
                0 => 0xff,
                1 => damaged[at] ^ (1 << numbers.below(8)),
                _ => u8::try_from(numbers.below(256)).expect("a byte"),
            };
        }
        attempt(&damaged);
    }
    assert!(read > 100 && refused > 100, "{read} read, {refused} refused");
}

#[test]
fn noise_is_no_program() {
    let mut numbers = Numbers(7);
    for length in [0, 1, 4, 16, 63, 64, 65, 1000, 5000] {
        let noise: Vec<u8> = (0..length).map(|_| numbers.next().to_le_bytes()[0]).collect();
        assert!(matches!(Program::read(&noise), Err(Error::NoProgram)), "{length}");
        let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        elf.extend(&noise);
        assert!(Program::read(&elf).is_err(), "{length}");
    }
}

#[test]
fn other_formats_are_named() {
    let told = |file: &[u8]| Program::read(file).expect_err("not supported").to_string();
    assert!(told(b"MZ\x90\0 and so on").contains("PE (Windows)"));
    assert!(told(b"\xcf\xfa\xed\xfe and so on").contains("Mach-O (macOS)"));
    assert!(told(b"\0asm\x01\0\0\0").contains("WebAssembly"));
    assert!(told(b"#!/bin/sh\n").contains("a script"));
    let folder = tempfile::tempdir().expect("a folder");
    let file = small_program(folder.path());
    let mut arm = file.clone();
    arm[18..20].copy_from_slice(&183_u16.to_le_bytes());
    assert!(told(&arm).contains("aarch64"));
    let mut object = file;
    object[16..18].copy_from_slice(&1_u16.to_le_bytes());
    assert!(told(&object).contains("not linked yet"));
}

fn run(program: impl AsRef<std::ffi::OsStr>, folder: &Path, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).current_dir(folder).status();
    assert!(status.expect("it runs").success(), "{arguments:?}");
}

/// An object file with a mark for each of the names.
fn object(folder: &Path, file: &str, names: &[&str]) {
    let marks: String = names.iter().map(|name| mark_in_assembly(name)).collect();
    let text = format!(".section .rodata\n{marks}.section .note.GNU-stack,\"\",@progbits\n");
    std::fs::write(folder.join("object.s"), text).expect("a file is written");
    run("cc", folder, &["-c", "-o", file, "object.s"]);
}

#[test]
fn members_of_an_archive_that_cannot_be_read_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    object(folder, "good.o", &["good"]);
    let whole = std::fs::read(folder.join("good.o")).expect("an object file");
    std::fs::write(folder.join("half.o"), &whole[..whole.len() / 2]).expect("a file is written");
    std::fs::write(folder.join("noise.txt"), "no object file").expect("a file is written");
    std::fs::write(folder.join("lib.rmeta"), "rust, and no code").expect("a file is written");
    let source = SMALL.replace("#![no_main]", "#![crate_type = \"lib\"]");
    std::fs::write(folder.join("small.rs"), source).expect("a file is written");
    let flags = ["--edition=2024", "-Cpanic=abort", "-Csymbol-mangling-version=v0"];
    run(rustc, folder, &[&flags[..], &["--emit=llvm-bc", "-o", "small.o", "small.rs"]].concat());
    run("ar", folder, &["rc", "all.a", "lib.rmeta", "noise.txt", "good.o", "half.o", "small.o"]);

    let archive = std::fs::read(folder.join("all.a")).expect("an archive");
    let objects = marks_of_objects(&archive);
    let paths: Vec<&str> = objects.marks.iter().map(|mark| mark.path.as_str()).collect();
    assert_eq!(paths, ["assembly::good"]);
    assert_eq!(objects.in_bitcode, ["small::root"]);
    let member = |part: &Unreadable| part.member.clone().unwrap_or_default();
    let members: Vec<String> = objects.unreadable.iter().map(member).collect();
    assert_eq!(members, ["noise.txt", "half.o"], "{:?}", objects.unreadable);
    assert!(objects.unreadable.iter().all(|part| !part.why.is_empty()));

    let cut = marks_of_objects(&archive[..archive.len() - 100]);
    assert_eq!(cut.unreadable.len(), 3, "{:?}", cut.unreadable);
    let noise = marks_of_objects(b"no archive, either");
    assert!(matches!(&noise.unreadable[..], [Unreadable { member: None, .. }]), "{noise:?}");
    assert_eq!(marks_of_objects(&whole).unreadable, []);
}

#[test]
fn a_mark_of_another_version_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    object(folder.path(), "good.o", &["good", "later"]);
    let mut object = std::fs::read(folder.path().join("good.o")).expect("an object file");
    let first = b"backstop-mark 1";
    let at = object.windows(first.len()).rposition(|window| window == first).expect("a mark");
    object[at + first.len() - 1] = b'2';
    let objects = marks_of_objects(&object);
    assert_eq!(objects.marks.len(), 1);
    let told: Vec<&str> = objects.unreadable.iter().map(|part| part.why.as_str()).collect();
    assert!(matches!(told[..], [why] if why.contains("__BACKSTOP_MARK_later")), "{told:?}");

    let mut program = small_program(folder.path());
    let at = program.windows(first.len()).position(|window| window == first).expect("a mark");
    program[at + first.len() - 1] = b'2';
    let error = Program::read(&program).expect_err("nothing would be said of the function");
    assert!(error.to_string().contains("__BACKSTOP_MARK"), "{error}");
}
