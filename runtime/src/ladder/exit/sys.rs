//! What the exit hook needs of the C library. The only unsafe code of this rung.
//!
//! Everything here but [`at_exit`] and [`in_forked_child`] is async-signal-safe.
#![allow(unsafe_code, reason = "`atexit`, `pthread_atfork` and `sigaction` have no safe form")]

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;

pub(super) use libc::{SIGABRT, SIGHUP, SIGINT, SIGTERM, siginfo_t};

/// Has `handler` called by `exit`, before the handlers that are there already.
pub(super) fn at_exit(handler: extern "C" fn()) {
    // SAFETY: the handler is a function, there for ever. Out of memory, the call fails; then only
    // signals and `run_all` still reach the hook.
    unsafe { libc::atexit(handler) };
}

/// Has `handler` called in each child, right after a `fork`. It must be async-signal-safe.
pub(super) fn in_forked_child(handler: unsafe extern "C" fn()) {
    // SAFETY: as in `at_exit`. Should it fail, the process's id still tells a child from its parent.
    unsafe { libc::pthread_atfork(None, None, Some(handler)) };
}

/// An address-sized name of the calling thread, not 0, which no other living thread has.
#[inline]
pub(super) fn this_thread() -> usize {
    // SAFETY: it has no preconditions. An integer on some systems, a pointer on others.
    let thread = unsafe { libc::pthread_self() };
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_possible_truncation,
        reason = "an integer of another type on other systems, of the size of an address"
    )]
    let name = thread as usize;
    name
}

/// What the kernel calls the calling thread.
#[cfg(target_os = "linux")]
pub(super) fn this_task() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs()
}

/// Elsewhere nobody could be asked about it.
#[cfg(not(target_os = "linux"))]
pub(super) fn this_task() -> u32 {
    0
}

/// Whether this thread of the process runs, waits for a processor, or is in a call of the system that it does
/// not leave before it is done: whether it goes on without anybody's doing. `false` where that cannot be known.
/// Allocates nothing.
#[cfg(all(target_os = "linux", not(all(test, backstop_loom))))]
pub(super) fn is_at_work(task: u32) -> bool {
    use std::ffi::CStr;
    use std::io::Write as _;

    use rustix::fs::{Mode, OFlags};

    let mut path = [0; 48];
    let mut stat = [0; 128];
    if write!(&mut path[..], "/proc/self/task/{task}/stat\0").is_err() {
        return false;
    }
    let read = CStr::from_bytes_until_nul(&path).ok().and_then(|path| {
        let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        rustix::io::read(file, &mut stat).ok()
    });
    let stat = &stat[..read.unwrap_or(0)];
    // Behind the name, which may hold anything.
    let name_ends = stat.iter().rposition(|byte| *byte == b')');
    let state = name_ends.and_then(|end| stat.get(end + 2));
    matches!(state, Some(b'R' | b'D'))
}

/// Nobody knows elsewhere, and in models no time passes.
#[cfg(not(all(target_os = "linux", not(all(test, backstop_loom)))))]
pub(super) fn is_at_work(_: u32) -> bool {
    false
}

pub(super) type Handler = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

/// What a signal does.
#[derive(Clone, Copy)]
pub(super) enum Disposition {
    Default,
    Ignored,
    Handled(Handling),
}

/// A handler of somebody else's.
#[derive(Clone, Copy)]
pub(super) struct Handling {
    function: usize,
    takes_info: bool,
}

fn action(signal: c_int) -> Option<libc::sigaction> {
    let mut current = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: asks only, and writes the answer to where there is room for it.
    let asked = unsafe { libc::sigaction(signal, ptr::null(), current.as_mut_ptr()) };
    // SAFETY: the call succeeded, so it wrote it.
    (asked == 0).then(|| unsafe { current.assume_init() })
}

pub(super) fn disposition(signal: c_int) -> Disposition {
    match action(signal) {
        None => Disposition::Default,
        Some(action) => match action.sa_sigaction {
            libc::SIG_DFL => Disposition::Default,
            libc::SIG_IGN => Disposition::Ignored,
            function => Disposition::Handled(Handling {
                function,
                takes_info: action.sa_flags & libc::SA_SIGINFO != 0,
            }),
        },
    }
}

/// Whether `handler` is what the kernel calls, and not somebody else who calls it in turn.
pub(super) fn is_handled_by(signal: c_int, handler: Handler) -> bool {
    action(signal).is_some_and(|action| action.sa_sigaction == handler as usize)
}

/// Installs an async-signal-safe handler.
///
/// Without `SA_ONSTACK`: after a stack overflow, SIGABRT is raised by the standard library's handler of
/// SIGSEGV, on the alternate stack already, and the kernel stays there. On any other way, the
/// thread's own stack is the safer place to wait on: `process::exit` unmaps the main thread's
/// alternate stack, whichever thread calls it.
pub(super) fn handle(signal: c_int, handler: Handler) {
    let mut action = DEFAULT;
    action.sa_sigaction = handler as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
    // SAFETY: a pointer to a function of the signature that SA_SIGINFO asks for, and one that may be
    // null.
    unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
}

/// `SIG_DFL`, no signals masked, no flags. Made beforehand: the structure takes room on a stack.
// SAFETY: integers, a set and a pointer that may be null: all zeroes is a value of it.
static DEFAULT: libc::sigaction = unsafe { std::mem::zeroed() };

pub(super) fn restore_default(signal: c_int) {
    // SAFETY: a pointer to a disposition, and one that may be null.
    unsafe { libc::sigaction(signal, &raw const DEFAULT, ptr::null_mut()) };
}

/// Calls the handler that was there before, with what ours was called with.
pub(super) fn call(previous: Handling, signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    type Plain = extern "C" fn(c_int);
    if previous.takes_info {
        // SAFETY: the kernel was told so: with SA_SIGINFO it is a function of this signature.
        let function = unsafe { std::mem::transmute::<usize, Handler>(previous.function) };
        function(signal, info, context);
    } else {
        // SAFETY: the kernel was told so: without SA_SIGINFO it is a function of this signature.
        let function = unsafe { std::mem::transmute::<usize, Plain>(previous.function) };
        function(signal);
    }
}

/// Whether a signal handler's `info` says that another process sent the signal.
pub(super) fn is_from_outside(info: *mut siginfo_t) -> bool {
    // SAFETY: the kernel's own pointer, valid while the handler runs.
    match unsafe { info.as_ref() } {
        Some(info) => sender(info) != process(),
        None => false,
    }
}

#[cfg(not(target_os = "freebsd"))]
fn sender(info: &siginfo_t) -> libc::pid_t {
    // SAFETY: the signals handled here are sent by processes, which is what has this field.
    unsafe { info.si_pid() }
}

#[cfg(target_os = "freebsd")]
fn sender(info: &siginfo_t) -> libc::pid_t {
    info.si_pid
}

/// The id of this process, asked for each time: a forked child must not read its parent's.
pub(super) fn process() -> libc::pid_t {
    // There is no id that is not one of these.
    libc::pid_t::try_from(std::process::id()).unwrap_or(-1)
}

/// Sleeps for as many milliseconds, or until a signal was handled.
pub(super) fn nap(milliseconds: c_int) {
    // SAFETY: no descriptors, so that the pointer is not used.
    unsafe { libc::poll(ptr::null_mut(), 0, milliseconds) };
}

/// Wakes all threads that sleep on a futex of this process. As `rustix` does, with fewer frames on
/// the stack of a handler.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[cfg_attr(all(test, backstop_loom), allow(dead_code, reason = "models have no futex"))]
pub(super) fn wake(futex: &std::sync::atomic::AtomicU32) {
    let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the address of an integer, which this operation does not read.
    unsafe { libc::syscall(libc::SYS_futex, futex.as_ptr(), operation, c_int::MAX) };
}

/// Raises a signal on this thread, which need not have it unblocked.
pub(super) fn raise(signal: c_int) {
    let mut only = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is initialised first, and then lent; the old mask is not asked for.
    unsafe {
        libc::sigemptyset(only.as_mut_ptr());
        libc::sigaddset(only.as_mut_ptr(), signal);
        libc::raise(signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, only.as_ptr(), ptr::null_mut());
    }
}

/// Raises a signal on this thread; where it is blocked, as in a handler of its own, it waits.
pub(super) fn raise_later(signal: c_int) {
    // SAFETY: it has no preconditions.
    unsafe { libc::raise(signal) };
}

/// Ends the process at once.
pub(super) fn end(status: c_int) -> ! {
    // SAFETY: it has no preconditions.
    unsafe { libc::_exit(status) }
}

#[cfg(all(test, target_os = "linux", not(backstop_loom)))]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, mpsc};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_thread_is_at_work_until_it_blocks() {
        let works = Arc::new(AtomicBool::new(true));
        let ((tell, task), (end, ended)) = (mpsc::channel(), mpsc::channel::<()>());
        let worker = {
            let works = Arc::clone(&works);
            move || {
                tell.send(this_task()).unwrap();
                while works.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
                let _ = ended.recv();
            }
        };
        // A name that looks like a state.
        let worker = thread::Builder::new().name("a) S (b".to_owned()).spawn(worker).unwrap();
        let task = task.recv().unwrap();
        for _ in 0..100 {
            assert!(is_at_work(task));
        }
        works.store(false, Ordering::Relaxed);
        let begun = Instant::now();
        while is_at_work(task) {
            assert!(begun.elapsed() < Duration::from_secs(60));
            thread::yield_now();
        }
        drop(end);
        worker.join().unwrap();
    }

    #[test]
    fn nobody_is_at_work_whom_nobody_knows() {
        assert!(!is_at_work(0) && !is_at_work(u32::MAX));
    }
}
