//! The table of sinks and assumptions: to know one more, add a row.
//!
//! Names are exact, and of single functions. A whole namespace would hide what only passes through
//! it: a closure behind `catch_unwind`, say.

use backstop_rules::Group;

use super::callers::{OWN_EXIT, OWN_HANDLER, OWN_THREADS, SCOPE, SIGNAL_HOOK, TOKIO_THREADS};

/// Functions that skip destructors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sink {
    /// The rule of the catalogue that says why.
    pub rule: &'static str,
    /// Which attributes forbid it.
    pub group: Group,
    /// Rust functions, without generics, as a v0 symbol reads.
    pub functions: &'static [&'static str],
    /// C functions.
    pub symbols: &'static [&'static str],
    /// System calls.
    pub system_calls: &'static [u32],
    /// What is said of it.
    pub reason: &'static str,
    /// The name of the assumption that it is not reached.
    pub assumed: Option<&'static str>,
}

/// Something that is assumed not to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// Its name in the policy file.
    pub name: &'static str,
    /// What is assumed.
    pub what: &'static str,
    /// Why that is reasonable.
    pub reason: &'static str,
}

const SINK: Sink = Sink {
    rule: "",
    group: Group::Exit,
    functions: &[],
    symbols: &[],
    system_calls: &[],
    reason: "",
    assumed: None,
};

/// Everything that skips destructors.
static SINKS: &[Sink] = &[
    Sink {
        rule: "process_exit",
        // Below it what it calls, by the names of several releases: should a way there be new.
        functions: &[
            "std::process::exit",
            "<std::process::ExitCode>::exit_process",
            "std::process::ExitCode::exit_process",
            "std::sys::exit::exit",
            "std::sys::pal::unix::os::exit",
        ],
        reason: "ends the process without running destructors",
        ..SINK
    },
    Sink {
        rule: "process_abort",
        functions: &[
            "std::process::abort",
            "core::process::abort_immediate",
            "std::sys::pal::unix::abort_internal",
        ],
        reason: "aborts the process without running destructors",
        ..SINK
    },
    Sink {
        rule: "process_exec",
        functions: &[
            "<std::process::Command as std::os::unix::process::CommandExt>::exec",
            "<std::sys::process::unix::common::Command>::exec",
            "std::sys::process::unix::unix::exec",
            "std::sys::pal::unix::process::process_inner::exec",
        ],
        reason: "replaces the process without running destructors",
        ..SINK
    },
    Sink {
        rule: "libc_exit",
        symbols: &[
            "exit",
            "_exit",
            "_Exit",
            "quick_exit",
            "abort",
            "execl",
            "execle",
            "execlp",
            "execv",
            "execve",
            "execveat",
            "execvp",
            "execvpe",
            "fexecve",
            "pthread_exit",
            "thrd_exit",
            "raise",
            "err",
            "errx",
            "verr",
            "verrx",
            "__assert_fail",
            "__assert",
            "__assert_perror_fail",
        ],
        system_calls: &[59, 60, 231, 322],
        reason: "ends or replaces the process below Rust, without running destructors",
        ..SINK
    },
    Sink {
        rule: "libc_exit",
        functions: &[
            "rustix::runtime::exit_group",
            "rustix::runtime::exit_thread",
            "rustix::runtime::execve",
            "rustix::runtime::execveat",
            "rustix::backend::runtime::syscalls::exit_group",
            "rustix::backend::runtime::syscalls::exit_thread",
            "rustix::backend::runtime::syscalls::execve",
            "rustix::backend::runtime::syscalls::execveat",
        ],
        reason: "ends or replaces the process below Rust, without running destructors",
        ..SINK
    },
    Sink {
        rule: "libc_exit",
        symbols: &["longjmp", "_longjmp", "siglongjmp", "__longjmp_chk"],
        reason: "jumps out of frames without running their destructors",
        ..SINK
    },
    Sink {
        rule: "libc_exit",
        symbols: &["_ZSt9terminatev", "_ZSt10unexpectedv"],
        reason: "aborts the process from C++, without running destructors",
        ..SINK
    },
    Sink {
        rule: "clap_exit",
        functions: &["<clap_builder::error::Error>::exit"],
        reason: "prints the error and ends the process without running destructors",
        ..SINK
    },
    Sink {
        rule: "alloc_error",
        functions: &[
            "alloc::alloc::handle_alloc_error",
            "alloc::alloc::handle_alloc_error::rt_error",
            "__rustc::__rust_alloc_error_handler",
            "std::alloc::rust_oom",
        ],
        symbols: &["__rust_alloc_error_handler", "__rg_oom", "__rdl_oom"],
        reason: "aborts the process without running destructors",
        assumed: Some("alloc_error"),
        ..SINK
    },
    Sink {
        rule: "diverging_call",
        functions: &[
            "core::panicking::panic_fmt",
            "core::panicking::panic_nounwind_fmt",
            "core::panicking::panic_nounwind",
            "core::panicking::panic_nounwind_nobacktrace",
            "core::panicking::panic_cannot_unwind",
            "core::panicking::panic_in_cleanup",
            "std::panicking::begin_panic",
            "std::panicking::panic_with_hook",
            "std::panicking::rust_panic_with_hook",
            "std::panicking::rust_panic",
            "std::panicking::rust_panic_without_hook",
            "std::panicking::resume_unwind",
            "std::panicking::panic_handler",
            "__rustc::rust_begin_unwind",
            "__rustc::rust_panic",
            "__rustc::__rust_start_panic",
            "__rustc::__rust_drop_panic",
            "__rustc::__rust_foreign_exception",
        ],
        symbols: &[
            "_Unwind_Resume",
            "_Unwind_RaiseException",
            "_Unwind_ForcedUnwind",
            "__cxa_throw",
            // Before 1.86 also these.
            "__rust_drop_panic",
            "__rust_foreign_exception",
            "__rust_start_panic",
            "rust_begin_unwind",
            "rust_panic",
        ],
        reason: "panics, which unwinds, and aborts during another panic",
        assumed: Some("panic"),
        ..SINK
    },
    Sink {
        rule: "libc_exit",
        // Their addresses are the kernel's: for SIGTERM, SIGINT and SIGHUP where nobody else handles them,
        // and for SIGABRT; the last one is what the conductor ends with.
        functions: &[
            "backstop::ladder::exit::signals::on_signal",
            "backstop::ladder::exit::handlers::on_abort",
            "backstop::ladder::exit::signals::end_by",
        ],
        reason: "ends the process by the signal that came",
        assumed: Some("own_handler"),
        ..SINK
    },
    Sink {
        rule: "libc_exit",
        // What these two call, and whoever calls them by another way than `exit` and the supervisor.
        functions: &[
            "backstop::ladder::shutdown::status::end",
            "backstop::ladder::shutdown::status::end_by",
        ],
        reason: "ends the process with the status that was asked for",
        ..SINK
    },
    Sink {
        rule: "libc_exit",
        functions: &[
            "signal_hook::low_level::exit",
            "signal_hook::low_level::abort",
            "signal_hook::low_level::signal_details::emulate_default_handler",
        ],
        reason: "ends the process from the handler of a signal, without running destructors",
        ..SINK
    },
    Sink {
        rule: "process_abort",
        functions: &["<tokio::runtime::scheduler::multi_thread::worker::run::AbortOnPanic as \
             core::ops::drop::Drop>::drop"],
        reason: "aborts the process when a worker of tokio panics outside of every task",
        assumed: Some("tokio_abort"),
        ..SINK
    },
    Sink {
        rule: "libc_exit",
        symbols: &["__stack_chk_fail", "__fortify_fail", "__chk_fail"],
        reason: "aborts the process when C code overran a buffer",
        assumed: Some("hardening"),
        ..SINK
    },
    Sink {
        rule: "detached_thread",
        group: Group::Detach,
        functions: &[
            "std::thread::functions::spawn",
            "std::thread::spawn",
            "<std::thread::builder::Builder>::spawn",
            "<std::thread::Builder>::spawn",
        ],
        symbols: &["pthread_create", "thrd_create"],
        reason: "starts a thread that may outlive its caller",
        ..SINK
    },
    Sink {
        rule: "detached_task",
        group: Group::Detach,
        functions: &[
            "tokio::task::spawn::spawn",
            "tokio::task::blocking::spawn_blocking",
            "tokio::task::local::spawn_local",
            "<tokio::runtime::handle::Handle>::spawn",
            "<tokio::runtime::handle::Handle>::spawn_blocking",
            "<tokio::runtime::runtime::Runtime>::spawn",
            "<tokio::runtime::runtime::Runtime>::spawn_blocking",
            // What `tokio::fs` uses.
            "tokio::runtime::blocking::pool::spawn_blocking",
            "tokio::runtime::blocking::pool::spawn_mandatory_blocking",
            "rayon_core::spawn::spawn",
            "rayon_core::spawn::spawn_fifo",
        ],
        reason: "starts a task that may outlive its caller",
        ..SINK
    },
];

/// A system call whose number is not known could be any.
pub(super) static UNKNOWN_CALL: Sink = Sink {
    rule: "inline_asm",
    reason: "is a system call whose number is not visible: it may end the process",
    ..SINK
};

/// Calls of sinks by the standard library on its own account.
pub static STANDARD: Assumption = Assumption {
    name: "std_runtime",
    what: "the standard library does not abort of its own accord",
    reason: "it does so on broken invariants only; what it does when told to (`process::exit`, \
             `abort`, `exec`) is always counted",
};

/// What a forked child does before it is another program.
pub static COMMAND_CHILD: Assumption = Assumption {
    name: "command_child",
    what: "what the child of `Command::spawn` does before it runs its program is its own",
    reason: "`_exit` and `execvp` happen in the forked child, which has no destructors to run",
};

/// Reference counts that overflow.
pub static REFCOUNT: Assumption = Assumption {
    name: "refcount_abort",
    what: "no reference count overflows",
    reason: "that takes more references than memory can hold, unless they are forgotten in a loop",
};

/// System calls of rustix, whose numbers only a release build makes visible.
pub static RUSTIX: Assumption = Assumption {
    name: "rustix_calls",
    what: "rustix makes the system calls that its functions are named after",
    reason: "without optimisation their numbers are parameters; those of its functions that end or \
             replace the process are counted by name",
};

/// All that can be assumed, in the order in which it is told.
pub static ASSUMPTIONS: &[Assumption] = &[
    Assumption {
        name: "panic",
        what: "a panic unwinds",
        reason: "so destructors run; with `panic = \"abort\"`, in a destructor during another \
                 panic, or out of an `extern \"C\"` function, it aborts",
    },
    Assumption {
        name: "alloc_error",
        what: "memory does not run out",
        reason: "nearly all code allocates, and would abort where it does",
    },
    REFCOUNT,
    STANDARD,
    COMMAND_CHILD,
    RUSTIX,
    SCOPE,
    OWN_THREADS,
    TOKIO_THREADS,
    OWN_EXIT,
    OWN_HANDLER,
    SIGNAL_HOOK,
    Assumption {
        name: "tokio_abort",
        what: "no worker of a tokio runtime panics outside of every task",
        reason: "it aborts on broken invariants only; a panic of a task is caught",
    },
    Assumption {
        name: "hardening",
        what: "C code does not overrun its buffers",
        reason: "the compiler's checks abort only where memory is already damaged",
    },
];

/// What a name, without generics, means.
pub(super) fn of_name(
    name: &str,
    rust: bool,
) -> Option<(&'static Sink, Option<&'static Assumption>)> {
    let sink = SINKS.iter().find(|sink| {
        if rust { sink.functions.contains(&name) } else { sink.symbols.contains(&name) }
    })?;
    let assumed = sink.assumed;
    let assumption = ASSUMPTIONS.iter().find(|row| assumed.is_some_and(|name| row.name == name));
    Some((sink, assumption))
}

pub(super) fn of_system_call(number: Option<u32>) -> Option<&'static Sink> {
    match number {
        None => Some(&UNKNOWN_CALL),
        Some(number) => SINKS.iter().find(|sink| sink.system_calls.contains(&number)),
    }
}

/// Whether a mangled name may be that of a row: the last part of one of them is in it.
pub(super) fn may_name(symbol: &str) -> bool {
    SINKS.iter().flat_map(|sink| sink.functions).any(|function| {
        let last = function.rsplit("::").next().unwrap_or(function);
        symbol.contains(last)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_a_rule_and_a_known_assumption() {
        for sink in SINKS.iter().chain([&UNKNOWN_CALL]) {
            assert!(backstop_rules::rule(sink.rule).is_some(), "{}", sink.rule);
            if let Some(name) = sink.assumed {
                assert!(ASSUMPTIONS.iter().any(|row| row.name == name), "{name}");
            }
        }
    }
}
