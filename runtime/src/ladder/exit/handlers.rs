//! What the C library calls at the end: the `atexit` handler, the handler of SIGABRT, and the one
//! that runs in forked children.

use std::ffi::{c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::current;
use super::hook;
use super::phase::Cause;
use super::signals;
use super::sys::{self, Disposition, SIGABRT};
use super::thread;

/// What SIGABRT did before.
static BEFORE: OnceLock<Disposition> = OnceLock::new();

/// Installs the handlers, once. A forked child has them from its parent.
pub(super) fn install() {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if !INSTALLED.swap(true, Ordering::SeqCst) {
        sys::in_forked_child(in_forked_child);
        sys::at_exit(at_exit);
        let _ = BEFORE.set(sys::disposition(SIGABRT));
        sys::handle(SIGABRT, on_abort);
    }
}

extern "C" fn in_forked_child() {
    current::forget();
    thread::forked();
}

extern "C" fn at_exit() {
    if let Some(hook) = current::current_or_coming() {
        hook.end_exiting();
    }
}

/// Async-signal-safe, and frugal: after a stack overflow it runs on top of two signal frames, on an
/// alternate stack of which a processor with wide registers leaves some 1,100 bytes.
extern "C" fn on_abort(signal: c_int, info: *mut sys::siginfo_t, context: *mut c_void) {
    if sys::is_from_outside(info) {
        from_outside(signal, info, context);
        return;
    }
    if let Some(hook) = current::current() {
        hook.end_aborting();
    }
    match BEFORE.get() {
        // `abort` goes on by itself.
        Some(Disposition::Ignored) => {}
        Some(Disposition::Handled(handling)) => sys::call(*handling, signal, info, context),
        Some(Disposition::Default) | None => signals::die_of(signal),
    }
}

/// Such a SIGABRT interrupts the thread anywhere, perhaps while it holds a lock: nobody waits in here.
fn from_outside(signal: c_int, info: *mut sys::siginfo_t, context: *mut c_void) {
    match (BEFORE.get(), current::current()) {
        (Some(Disposition::Ignored), _) => {}
        // Whether the process ends is for that handler to say.
        (Some(Disposition::Handled(handling)), _) => {
            sys::call(*handling, signal, info, context);
        }
        (_, Some(hook)) if hook.is_listening() => {
            hook.request(Cause::Signal(signal), hook::limit());
        }
        (_, _) => signals::die_of(signal),
    }
}
