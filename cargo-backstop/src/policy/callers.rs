//! Who calls a sink for reasons of its own: exact functions of backstop, and of the crates that it uses, with what
//! is assumed of their calls. Everything else that they call is followed.

use super::table::{Assumption, Sink, UNKNOWN_CALL};

/// What backstop's scopes spawn for the code that asks them to.
pub(super) static SCOPE: Assumption = Assumption {
    name: "scope_spawn",
    what: "what a scope of backstop spawns ends before the scope does",
    reason: "that is what a scope is for; what it spawns is followed like any call",
};

/// Threads and tasks of backstop's own.
pub(super) static OWN_THREADS: Assumption = Assumption {
    name: "own_threads",
    what: "the threads and tasks that backstop keeps for itself are its own",
    reason: "they run cleanups, reports and children of a program that may end without its \
             destructors; what they are given is followed like any call",
};

/// Threads of tokio's runtimes.
pub(super) static TOKIO_THREADS: Assumption = Assumption {
    name: "tokio_threads",
    what: "the threads of a tokio runtime end with it",
    reason: "what is handed to them is counted where it is handed over, as by `spawn_blocking`",
};

/// The end that was asked for by `backstop::exit`.
pub(super) static OWN_EXIT: Assumption = Assumption {
    name: "own_exit",
    what: "`backstop::exit` ends the process only where its unwind has ended",
    reason: "destructors have run by then; without `#[backstop::main]`, that is also where somebody drops what \
             they caught or joined. Not assumed where a panic aborts: nothing unwinds there",
};

/// The end that was asked for by a signal, or by `backstop::exit` on another thread.
pub(super) static OWN_HANDLER: Assumption = Assumption {
    name: "own_handler",
    what: "backstop's handler of signals ends the process only where a signal would have, or `main` was given \
           time",
    reason: "the kernel calls it, or it is the thread of `#[backstop::main]`, and the exit cleanups have run by \
             then",
};

/// What signal-hook does of its own accord.
pub(super) static SIGNAL_HOOK: Assumption = Assumption {
    name: "signal_hook_abort",
    what: "signal-hook's handler of signals does not abort of its own accord",
    reason: "it does so where the kernel tells nothing of a signal, or a count overflows; what it calls is followed \
             like any call",
};

/// Functions that abort when their count of references overflows, without generics.
const COUNTING: &[&str] = &[
    "<tokio::runtime::task::state::State>::ref_inc",
    "<tokio::runtime::task::state::State>::transition_to_notified_by_ref",
    "tokio::runtime::task::waker::clone_waker",
    "bytes::abort",
    "bytes::bytes::shallow_clone_arc",
    "bytes::bytes_mut::increment_shared",
    "<signal_hook_registry::half_lock::HalfLock>::read",
    "<std::sync::mpmc::counter::Sender>::acquire",
    "<std::sync::mpmc::counter::Receiver>::acquire",
];

/// The functions of rustix that make a system call whose number they are given, without generics.
/// `syscall1_noreturn`, which only exits need, is not among them.
const NUMBERED: &[&str] = &[
    "rustix::backend::arch::asm::syscall0_readonly",
    "rustix::backend::arch::asm::syscall1",
    "rustix::backend::arch::asm::syscall1_readonly",
    "rustix::backend::arch::asm::syscall2",
    "rustix::backend::arch::asm::syscall2_readonly",
    "rustix::backend::arch::asm::syscall3",
    "rustix::backend::arch::asm::syscall3_readonly",
    "rustix::backend::arch::asm::syscall4",
    "rustix::backend::arch::asm::syscall4_readonly",
    "rustix::backend::arch::asm::syscall5",
    "rustix::backend::arch::asm::syscall5_readonly",
    "rustix::backend::arch::asm::syscall6",
    "rustix::backend::arch::asm::syscall6_readonly",
];

/// Whether this is a call of unknown number that rustix makes.
pub(crate) fn is_numbered(sink: &Sink, caller: &str) -> bool {
    *sink == UNKNOWN_CALL && NUMBERED.contains(&caller)
}

/// Functions that end the process when there is nothing left to clean up, without generics.
static ENDERS: &[(&Assumption, &[&str])] = &[
    (
        &OWN_EXIT,
        &[
            // Where a panic aborts, they are asked about: see `unwinds`.
            EXIT,
            EXIT_ALONE,
            "<backstop::ladder::shutdown::exit::Exit as core::ops::drop::Drop>::drop",
        ],
    ),
    (
        &OWN_HANDLER,
        &[
            "<backstop::ladder::shutdown::supervisor::Supervisor>::run",
            // In a forked child, which has the handler and no such thread.
            "backstop::ladder::shutdown::signals::spare_forked_children::{closure#0}",
        ],
    ),
    (
        &SIGNAL_HOOK,
        &[
            // Where both of its calls are merged into one, also that of `HalfLock::read`.
            "signal_hook_registry::handler",
            "signal_hook_registry::handler::{closure#0}",
        ],
    ),
];

const EXIT: &str = "backstop::ladder::shutdown::exit::exit";
const EXIT_ALONE: &str = "backstop::ladder::shutdown::exit::exit_alone";

/// What is assumed of a function, without generics, that ends the process.
pub(crate) fn of_ender(name: &str) -> Option<&'static Assumption> {
    let row = ENDERS.iter().find(|(_, functions)| functions.contains(&name));
    row.map(|(assumption, _)| *assumption)
}

/// Whether a function, without generics, of those that end the process does so instead of unwinding where a panic
/// aborts.
pub(crate) fn unwinds(name: &str) -> bool {
    [EXIT, EXIT_ALONE].contains(&name)
}

/// Functions that spawn what does not outlive the annotated function, or is not its own, without
/// generics. What they spawn is followed all the same.
static SPAWNERS: &[(&Assumption, &[&str])] = &[
    (
        &SCOPE,
        &[
            "<backstop::scope::tasks::Child>::spawn",
            "<backstop::scope::tasks::Task>::spawn_blocking",
            // Aborted at once: the handle of what a closed scope does not run.
            "backstop::scope::tasks::refuse",
        ],
    ),
    (
        &OWN_THREADS,
        &[
            // On the cleanup runtime, and its thread.
            "backstop::cleanup_runtime::start",
            "backstop::cleanup_runtime::hand_over",
            // Waits for a result that nobody takes, to report its panic.
            "<backstop::scope::tasks::shared::Shared>::report_orphan",
            // The exit hook's.
            "<backstop::ladder::exit::hook::Hook>::start::{closure#0}",
            "<backstop::ladder::exit::worker::Crew>::stand_by::{closure#1}",
            // Of `#[backstop::main]`, of the reaper, of its journal and of `process::spawn`.
            "<backstop::ladder::shutdown::supervisor::Starting>::new",
            "<backstop::ladder::shutdown::supervisor::Supervisor>::cancel",
            "<backstop::ladder::shutdown::supervisor::Supervisor>::run_exit_cleanups",
            "<backstop::ladder::shutdown::supervisor::Supervisor>::say_last_words",
            "<backstop::ladder::shutdown::driver::Driver>::start",
            "backstop::ladder::reaper::client::start_supervisor",
            "<backstop::ladder::journal::group::Group>::start",
            "<backstop::ladder::journal::lock::Keeper>::start::{closure#1}",
            "backstop::ladder::child::spawner::spawner::{closure#0}",
        ],
    ),
    (
        &TOKIO_THREADS,
        &[
            "<tokio::runtime::blocking::pool::Spawner>::spawn_thread",
            "<tokio::runtime::scheduler::multi_thread::worker::Launch>::launch",
            // Of `block_in_place`: another thread goes on with the other tasks, while this one runs what it was given.
            "tokio::runtime::scheduler::multi_thread::worker::maybe_move_runtime::{closure#0}",
        ],
    ),
];

/// What is assumed of what a function, without generics, spawns.
pub(crate) fn of_spawner(name: &str) -> Option<&'static Assumption> {
    let row = SPAWNERS.iter().find(|(_, functions)| functions.contains(&name));
    row.map(|(assumption, _)| *assumption)
}

/// Whether a function, without generics, is one that counts references.
pub(crate) fn counts_references(name: &str) -> bool {
    COUNTING.contains(&name)
}
