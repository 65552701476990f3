//! A program that waits for SIGUSR1 itself, beside all threads of backstop; and what its children have
//! blocked, also those of exit cleanups.
#![allow(unsafe_code, reason = "the standard library has no signals")]

use std::mem::MaybeUninit;
use std::process::Command;
use std::{fs, ptr, thread};

use backstop::Survives;
use backstop::scratch;
use backstop_tests_ladder::exit::say;

/// Blocks a signal in this thread, and gives the set of it.
fn block(signal: i32) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the set is initialised first, and then lent; the old mask is not asked for.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), ptr::null_mut());
        set.assume_init()
    }
}

fn blocked(status: &str) -> u64 {
    let status = fs::read_to_string(status).expect("it runs");
    let set = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).expect("a mask");
    u64::from_str_radix(set.trim(), 16).expect("a number")
}

/// What a child has blocked that this thread starts.
fn of_a_child() -> u64 {
    let mut command = Command::new("sleep");
    let mut child = backstop::process::spawn({
        command.arg("60");
        command
    })
    .expect("it starts");
    let blocked = blocked(&format!("/proc/{}/status", child.id()));
    child.kill().expect("it is killed");
    blocked
}

/// Says what a child has blocked that an exit cleanup starts.
fn say_what_a_child_has_blocked() {
    let child = Command::new("grep").args(["SigBlk", "/proc/self/status"]).output();
    say(String::from_utf8(child.expect("it starts").stdout).expect("text").trim_end());
}

#[backstop::main(journal)]
#[backstop::must_cleanup(allow(process_exit, reason = "what survives it is tested"))]
fn main() {
    backstop::defer!(survives = exit, say_what_a_child_has_blocked);
    let _scratch = scratch::dir(Survives::Exit).expect("a directory");
    let usual = thread::spawn(|| {
        block(libc::SIGUSR2);
        (blocked("/proc/thread-self/status"), of_a_child())
    });
    let (own, childs) = usual.join().expect("no panic");
    assert_eq!(own, childs, "of the thread that started the first one");
    assert_eq!(blocked("/proc/thread-self/status"), of_a_child());
    let waited = block(libc::SIGUSR1);
    say("ready");
    let mut signal = 0;
    // SAFETY: a set, and room for a number.
    unsafe { libc::sigwait(&raw const waited, &raw mut signal) };
    say(if signal == libc::SIGUSR1 { "SIGUSR1" } else { "another one" });
    std::process::exit(0);
}
