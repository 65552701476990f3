//! SIGTERM, SIGINT and SIGHUP where `#[backstop::main]` does not handle them: a cleanup that
//! survives `exit` is promised to run on them.
//!
//! Only where the signal would end the process at once. One that is ignored, as under `nohup`, stays
//! so, and a handler of the program's own stays the only one, whether it was there before or comes
//! later: a later one may well call ours (signal-hook and tokio do), which then does nothing.
//! Therefore not signal-hook here, which cannot tell whether it is alone.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};

use super::current;
use super::hook;
use super::phase::Cause;
use super::sys::{self, Disposition, SIGHUP, SIGINT, SIGTERM};

const SIGNALS: [c_int; 3] = [SIGTERM, SIGINT, SIGHUP];

static TAKEN: AtomicBool = AtomicBool::new(false);

/// Somebody else handles the signals, from now on.
pub(super) fn are_taken() {
    TAKEN.store(true, Ordering::SeqCst);
    for signal in SIGNALS {
        if sys::is_handled_by(signal, on_signal) {
            sys::restore_default(signal);
        }
    }
}

/// Handles the signals that nobody handles or ignores.
pub(super) fn install() {
    for signal in SIGNALS {
        let is_free = matches!(sys::disposition(signal), Disposition::Default);
        if is_free && !TAKEN.load(Ordering::SeqCst) {
            sys::handle(signal, on_signal);
        }
    }
}

/// Async-signal-safe.
extern "C" fn on_signal(signal: c_int, _: *mut sys::siginfo_t, _: *mut c_void) {
    if !sys::is_handled_by(signal, on_signal) {
        // Called by a handler that came later, which decides what the signal means.
        return;
    }
    // It may be over, and the process still run; or this is a forked child, whose signals do what
    // they would have done.
    if !is_heard(signal) {
        die_of(signal);
    }
}

/// Has the hook of this process, if there is one, run the cleanups and end the process by the signal.
/// Async-signal-safe.
pub(super) fn is_heard(signal: c_int) -> bool {
    match current::current() {
        Some(hook) if hook.is_listening() => {
            hook.request(Cause::Signal(signal), hook::limit());
            true
        }
        _ => false,
    }
}

/// Ends the process by the signal whose handler calls this. Async-signal-safe.
pub(super) fn die_of(signal: c_int) {
    sys::restore_default(signal);
    // Delivered when the handler returns, which unblocks it.
    sys::raise_later(signal);
    if is_init() {
        sys::end(128 + signal);
    }
}

/// Ends the process by a signal, so that its status tells the truth.
pub(super) fn end_by(signal: c_int) -> ! {
    sys::restore_default(signal);
    sys::raise(signal);
    // The first process of a container does not die of a signal's default.
    sys::end(128 + signal)
}

/// Whether this is the first process of a container, which the kernel spares.
fn is_init() -> bool {
    sys::process() == 1
}
