//! Waits for signals, after the preparation that its argument names.
#![allow(unsafe_code, reason = "`signal` has no safe form")]

use std::ffi::c_int;
use std::{env, process};

use backstop_tests_ladder::exit::{await_test, hang, say, saying};

extern "C" fn note(_: c_int) {
    let _ = rustix::io::write(rustix::stdio::stdout(), b"own handler\n");
}

extern "C" fn note_and_exit(_: c_int) {
    let _ = rustix::io::write(rustix::stdio::stdout(), b"own handler\n");
    // SAFETY: no preconditions.
    unsafe { libc::_exit(9) }
}

/// What signal-hook and others do: they call what was there before.
static mut PREVIOUS: usize = 0;

type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut std::ffi::c_void);

extern "C" fn chain(signal: c_int, info: *mut libc::siginfo_t, context: *mut std::ffi::c_void) {
    let _ = rustix::io::write(rustix::stdio::stdout(), b"own handler\n");
    // SAFETY: set before this was installed, to a handler of this signature.
    unsafe { std::mem::transmute::<usize, Handler>(PREVIOUS)(signal, info, context) };
}

fn handle(signal: c_int, handler: usize) {
    // SAFETY: the handlers here do only what is async-signal-safe.
    unsafe { libc::signal(signal, handler) };
}

fn handle_before(signal: c_int, handler: extern "C" fn(c_int)) {
    handle(signal, handler as usize);
}

fn main() {
    let preparation = env::args().nth(1).expect("a preparation");
    let abort = preparation.starts_with("abort");
    match preparation.as_str() {
        "handled" => handle_before(libc::SIGTERM, note),
        "abort-handled" | "abort-handled-from-outside" => handle_before(libc::SIGABRT, note),
        "abort-exits" => handle_before(libc::SIGABRT, note_and_exit),
        "abort-ignored" => handle(libc::SIGABRT, libc::SIG_IGN),
        _ => {}
    }
    let _first = saying("first");
    let _last = saying("last");
    match preparation.as_str() {
        "handled-later" => handle_before(libc::SIGTERM, note),
        "chained-later" => {
            // SAFETY: room for the old action, which is one with SA_SIGINFO; nobody reads PREVIOUS yet.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                libc::sigaction(libc::SIGTERM, std::ptr::null(), &raw mut action);
                PREVIOUS = action.sa_sigaction;
                action.sa_sigaction = chain as *const () as usize;
                libc::sigaction(libc::SIGTERM, &raw const action, std::ptr::null_mut());
            }
        }
        "blocked" => {
            // As a program does that takes its signals from `sigwait`.
            // SAFETY: the set is initialised first.
            unsafe {
                let mut set: libc::sigset_t = std::mem::zeroed();
                libc::sigemptyset(&raw mut set);
                libc::sigaddset(&raw mut set, libc::SIGTERM);
                libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
                say("ready");
                let mut signal = 0;
                libc::sigwait(&raw const set, &raw mut signal);
                say(&format!("waited for {signal}"));
            }
            process::exit(6)
        }
        "terminates-itself" => {
            // SAFETY: no preconditions.
            unsafe { libc::raise(libc::SIGTERM) };
            hang()
        }
        "abort-default" | "abort-handled" | "abort-exits" | "abort-ignored" => process::abort(),
        _ => {}
    }
    if preparation == "slow" {
        let _slow = backstop::__private::exit_entry(&SLOW, || {
            say("cleaning");
            await_test();
        });
        say("ready");
        hang();
    }
    say("ready");
    if preparation == "default" {
        hang();
    }
    await_test();
    if abort {
        process::abort();
    }
    process::exit(5)
}

static SLOW: backstop::__private::Site = backstop::__private::Site::new("slow");
