//! Exit statuses that tell the truth.

use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

use signal_hook::low_level;

/// The status of a program whose `main` panicked, as the standard library has it.
pub(super) const PANICKED: u8 = 101;

/// The code that [`exit`](fn@super::exit) was first called with, plus one.
static REQUESTED: AtomicU16 = AtomicU16::new(0);

/// The status of a code: Unix passes on the low eight bits, and a failure must not become a success
/// on the way.
pub(super) fn of(code: i32) -> u8 {
    match code.to_le_bytes()[0] {
        0 if code != 0 => u8::MAX,
        low => low,
    }
}

/// Asks for a status, unless somebody did before.
pub(super) fn request(status: u8) {
    let first = u16::from(status) + 1;
    let _ = REQUESTED.compare_exchange(0, first, Ordering::AcqRel, Ordering::Acquire);
}

/// The status that was first asked for.
pub(super) fn requested() -> Option<u8> {
    let first = REQUESTED.load(Ordering::Acquire).checked_sub(1)?;
    u8::try_from(first).ok()
}

/// Ends the process at once, with this status.
pub(super) fn end(status: u8) -> ! {
    low_level::exit(status.into())
}

/// Ends the process at once, by this signal.
pub(super) fn end_by(signal: i32) -> ! {
    // The kernel ignores what the first process of a PID namespace does not handle, so that one can
    // only say what a shell would say of it.
    if process::id() != 1 {
        // An error is of a signal that has no default action, and it has one.
        let _ = low_level::emulate_default_handler(signal);
    }
    low_level::exit(128 + signal)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_failure_never_becomes_a_success() {
        let statuses = [0, 1, 255, 256, 257, -1, -256, i32::MIN, i32::MAX].map(of);
        assert_eq!(statuses, [0, 1, 255, 255, 1, 255, 255, 255, 255]);
    }
}
