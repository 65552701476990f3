//! Built beside the user's program, with the same compiler, to see that its standard library is one
//! that is known. Nothing of it is ever run.
#![allow(warnings)]

use std::hint::black_box;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

// As `macros/src/root.rs` marks a function.
macro_rules! mark {
    ($attribute:literal, $name:literal) => {
        const TEXT: &[u8] =
            concat!("backstop-mark 1\n", $attribute, "\n\nsync\n", $name, "\ncanary\n-\n1\n1\n")
                .as_bytes();
        #[used]
        static __BACKSTOP_MARK: [u8; TEXT.len()] = match TEXT.first_chunk() {
            Some(text) => *text,
            None => [0; TEXT.len()],
        };
        black_box(&__BACKSTOP_MARK);
    };
}

#[inline(never)]
fn process_exit(code: i32) {
    mark!("no_exit", "process_exit");
    if code > 9 {
        std::process::exit(code);
    }
}

#[inline(never)]
fn process_exit_by_value(code: Option<i32>) {
    mark!("no_exit", "process_exit_by_value");
    code.map(std::process::exit);
}

#[inline(never)]
fn process_abort(code: i32) {
    mark!("no_exit", "process_abort");
    if code > 9 {
        std::process::abort();
    }
}

#[inline(never)]
fn process_exec(code: i32) {
    mark!("no_exit", "process_exec");
    if code > 9 {
        drop(Command::new("true").exec());
    }
}

#[inline(never)]
fn detached_thread(code: i32) {
    mark!("scoped_spawn", "detached_thread");
    drop(std::thread::spawn(move || black_box(code)));
}

#[inline(never)]
fn detached_thread_by_builder(code: i32) {
    mark!("scoped_spawn", "detached_thread_by_builder");
    drop(std::thread::Builder::new().spawn(move || black_box(code)));
}

#[inline(never)]
fn panics(code: i32) {
    mark!("no_exit", "panics");
    if code > 9 {
        panic!("{code}");
    }
}

#[inline(never)]
fn panics_with_a_value(code: i32) {
    mark!("no_exit", "panics_with_a_value");
    if code > 9 {
        std::panic::panic_any(code);
    }
}

#[inline(never)]
fn resumes(code: i32) {
    mark!("no_exit", "resumes");
    if code > 9 {
        std::panic::resume_unwind(Box::new(()));
    }
}

#[inline(never)]
fn allocates(code: i32) {
    mark!("no_exit", "allocates");
    black_box(Box::new(code));
}

#[inline(never)]
fn harmless(code: i32) {
    mark!("no_exit", "harmless");
    println!("{code}");
    drop(std::fs::read("nothing"));
    drop(Command::new("true").status());
    drop(std::thread::spawn(move || black_box(code)).join());
    std::thread::scope(|scope| drop(scope.spawn(move || black_box(code))));
    drop(std::panic::catch_unwind(|| black_box(1)));
}

#[inline(never)]
fn harmless_in_a_scope(code: i32) {
    mark!("scoped_spawn", "harmless_in_a_scope");
    std::thread::scope(|scope| drop(scope.spawn(move || black_box(code))));
}

fn main() {
    let code = black_box(1);
    process_exit(code);
    process_exit_by_value(black_box(None));
    process_abort(code);
    process_exec(code);
    detached_thread(code);
    detached_thread_by_builder(code);
    panics(code);
    panics_with_a_value(code);
    resumes(code);
    allocates(code);
    harmless(code);
    harmless_in_a_scope(code);
}
