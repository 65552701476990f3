//! The signals that a thread has blocked, and threads inherit.
#![allow(unsafe_code, reason = "the standard library has no signals")]

use std::ffi::c_int;
use std::mem::MaybeUninit;

/// What a thread does by itself and dies of where it cannot be handled.
const SYNCHRONOUS: [c_int; 7] = [
    libc::SIGABRT,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGSEGV,
    libc::SIGSYS,
    libc::SIGTRAP,
];

/// The signals that a thread has blocked.
#[derive(Clone, Copy)]
pub(crate) struct Mask(libc::sigset_t);

impl Mask {
    /// These signals.
    pub(crate) fn of(signals: &[c_int]) -> Self {
        let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: the calls initialise the set and add numbers of signals to it.
        Self(unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for &signal in signals {
                libc::sigaddset(set.as_mut_ptr(), signal);
            }
            set.assume_init()
        })
    }

    /// All but those that a thread does to itself.
    fn all() -> Self {
        let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: the calls initialise the set and take numbers of signals from it.
        Self(unsafe {
            libc::sigfillset(set.as_mut_ptr());
            for signal in SYNCHRONOUS {
                libc::sigdelset(set.as_mut_ptr(), signal);
            }
            set.assume_init()
        })
    }

    /// Those that the main thread has blocked, but for what a thread does to itself; `None` where the
    /// system does not tell. Without an allocation: the process may be dying of one.
    #[cfg(target_os = "linux")]
    fn of_main_thread() -> Option<Self> {
        use rustix::fs::{Mode, OFlags, open};
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        // The main thread's, whoever reads it: `proc_pid_status(5)`.
        let status = open(c"/proc/self/status", flags, Mode::empty()).ok()?;
        // What is looked for stands in the first 1,500 bytes, unless the process is in many groups.
        let mut text = [0; 4096];
        let length = rustix::io::read(&status, &mut text).ok()?;
        let blocked = text[..length]
            .split(|&byte| byte == b'\n')
            .find_map(|line| line.strip_prefix(b"SigBlk:"))?;
        let bits = std::str::from_utf8(blocked).ok()?.trim();
        let bits = u64::from_str_radix(bits, 16).ok()?;
        let mut mask = Self::of(&[]);
        for signal in (1..=64).filter(|signal| bits >> (signal - 1) & 1 == 1) {
            if !SYNCHRONOUS.contains(&signal) {
                // SAFETY: the set is initialised; what is no signal is an error, and not added.
                unsafe { libc::sigaddset(&raw mut mask.0, signal) };
            }
        }
        Some(mask)
    }

    #[cfg(not(target_os = "linux"))]
    fn of_main_thread() -> Option<Self> {
        None
    }

    /// Those that this thread has blocked.
    #[cfg(target_os = "linux")]
    pub(crate) fn current() -> Self {
        Self::of(&[]).block()
    }

    /// Blocks these and no others, on this thread; gives those before.
    pub(crate) fn set(self) -> Self {
        self.change(libc::SIG_SETMASK)
    }

    /// Blocks these, too; gives those before.
    pub(crate) fn block(self) -> Self {
        self.change(libc::SIG_BLOCK)
    }

    /// Blocks these no longer.
    pub(crate) fn unblock(self) {
        self.change(libc::SIG_UNBLOCK);
    }

    pub(crate) fn contains(self, signal: c_int) -> bool {
        // SAFETY: the set is initialised.
        unsafe { libc::sigismember(&raw const self.0, signal) == 1 }
    }

    fn change(self, how: c_int) -> Self {
        let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: both are valid for what the call does with them: `self` is initialised, and
        // `before` has room. With such a `how` it does not fail.
        unsafe { libc::pthread_sigmask(how, &raw const self.0, before.as_mut_ptr()) };
        // SAFETY: all zeroes is a valid set, and so is what the call wrote.
        Self(unsafe { before.assume_init() })
    }
}

/// Puts the mask back that was there before.
struct Before(Mask);

impl Drop for Before {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// Calls `spawn` with the signals blocked, for the threads that it makes to inherit: the program's
/// signals are for its own threads, which may expect them in `sigwait`.
pub(crate) fn with_signals_blocked<T>(spawn: impl FnOnce() -> T) -> T {
    let _before = Before(Mask::all().set());
    spawn()
}

/// Calls `run`, which is the program's code on a thread of ours, with the signals blocked that the main
/// thread has blocked, and no others. What it starts inherits them: a child that has all blocked could
/// not even be told to end. And a signal that no thread of the program's takes, none of ours does.
pub(crate) fn with_signals_of_main<T>(run: impl FnOnce() -> T) -> T {
    let _before = Mask::of_main_thread().map(|mask| Before(mask.set()));
    run()
}
