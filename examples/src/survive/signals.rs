//! The names of the signals in the matrix.

use rustix::process::Signal;

pub(super) fn name(signal: Signal) -> &'static str {
    const NAMES: [(Signal, &str); 6] = [
        (Signal::ABORT, "SIGABRT"),
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::KILL, "SIGKILL"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::TERM, "SIGTERM"),
    ];
    NAMES.iter().find(|(known, _)| *known == signal).map_or("another signal", |(_, name)| name)
}
