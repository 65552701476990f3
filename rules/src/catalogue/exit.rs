//! Group `exit`: what ends the process or the thread without unwinding.

use super::{Call, Group, Kind, Method, ROW, Receiver, Rule, Shows};

const fn kills(path: &'static str) -> Call {
    Call { path, shows: Shows::OwnProcess }
}

pub(super) const ROWS: &[Rule] = &[
    Rule {
        name: "process_exit",
        paths: &["std::process::exit"],
        reason: "ends the process without running destructors",
        remedy: "return an error, or an `ExitCode` from `main`",
        example: "std::process::exit(2);",
        instead: "return ExitCode::from(2);",
        ..ROW
    },
    Rule {
        name: "process_abort",
        paths: &["std::process::abort", "std::intrinsics::abort"],
        reason: "aborts the process without running destructors",
        remedy: "return an error, or panic, which unwinds",
        example: "std::process::abort();",
        instead: "return Err(Error::Corrupt);",
        ..ROW
    },
    Rule {
        name: "process_exec",
        paths: &["std::os::unix::process::CommandExt::exec", "std::process::Command::exec"],
        methods: &[Method {
            name: "exec",
            arguments: Some(0),
            receiver: Receiver::IsOrImports(Kind::Command, "std::os::unix::process::CommandExt"),
        }],
        reason: "replaces the process without running destructors",
        remedy: "run the command with `status` and return its exit code from `main`",
        example: "let error = Command::new(\"ls\").arg(\"-l\").exec();",
        instead: "let status = Command::new(\"ls\").arg(\"-l\").status()?;",
        ..ROW
    },
    Rule {
        name: "libc_exit",
        paths: &[
            "libc::exit",
            "libc::_exit",
            "libc::_Exit",
            "libc::quick_exit",
            "libc::abort",
            "libc::execl",
            "libc::execle",
            "libc::execlp",
            "libc::execv",
            "libc::execve",
            "libc::execveat",
            "libc::execvp",
            "libc::execvpe",
            "libc::fexecve",
            "libc::pthread_exit",
            "libc::longjmp",
            "libc::_longjmp",
            "libc::siglongjmp",
            "libc::raise",
            "nix::unistd::_exit",
            "nix::unistd::execv",
            "nix::unistd::execve",
            "nix::unistd::execveat",
            "nix::unistd::execvp",
            "nix::unistd::execvpe",
            "nix::unistd::fexecve",
            "nix::sys::signal::raise",
            "rustix::runtime::exit_group",
            "rustix::runtime::exit_thread",
            "rustix::runtime::execve",
            "signal_hook::low_level::exit",
            "signal_hook::low_level::abort",
            "signal_hook::low_level::raise",
            "signal_hook::low_level::emulate_default_handler",
        ],
        calls: &[
            kills("libc::kill"),
            kills("nix::sys::signal::kill"),
            kills("rustix::process::kill_process"),
            kills("rustix::process::kill_process_group"),
        ],
        reason: "ends or replaces the process below Rust, without running destructors",
        remedy: "return an error, or an `ExitCode` from `main`",
        example: "unsafe { libc::_exit(1) };",
        instead: "return ExitCode::FAILURE;",
        ..ROW
    },
    Rule {
        name: "alloc_error",
        paths: &["std::alloc::handle_alloc_error"],
        reason: "aborts the process without running destructors",
        remedy: "return the failed allocation as an error, as `try_reserve` does",
        example: "std::alloc::handle_alloc_error(layout);",
        instead: "buffer.try_reserve(more)?;",
        ..ROW
    },
    Rule {
        name: "unreachable_unchecked",
        paths: &["std::hint::unreachable_unchecked", "std::intrinsics::unreachable"],
        reason: "is undefined behaviour where it is reached, so no destructor is sure to run",
        remedy: "use `unreachable!()`, which unwinds",
        example: "unsafe { std::hint::unreachable_unchecked() };",
        instead: "unreachable!();",
        ..ROW
    },
    Rule {
        name: "clap_exit",
        paths: &["clap::Error::exit", "clap::error::Error::exit"],
        methods: &[Method {
            name: "exit",
            arguments: Some(0),
            receiver: Receiver::Is(Kind::ClapError),
        }],
        reason: "prints the error and ends the process without running destructors",
        remedy: "print it with `clap::Error::print` and return its `exit_code` from `main`",
        example: "let cli = Cli::try_parse().unwrap_or_else(|error| error.exit());",
        instead: "let cli = Cli::try_parse()?;",
        ..ROW
    },
    Rule {
        name: "inline_asm",
        macros: &["asm", "global_asm", "naked_asm", "llvm_asm"],
        reason: "may leave the function in ways that the compiler cannot see",
        remedy: "move it to a function of its own, and say there why it returns",
        example: "unsafe { std::arch::asm!(\"ud2\") };",
        instead: "std::hint::spin_loop();",
        ..ROW
    },
    Rule {
        name: "diverging_call",
        // Found by type, by the macros: a name list cannot know the user's functions.
        reason: "never returns, and is not known to unwind",
        remedy: "return an error, or name the function in `unwinds(..)` if it always panics",
        example: "die(\"no config\");",
        instead: "return Err(Error::NoConfig);",
        group: Group::Exit,
        ..ROW
    },
];
