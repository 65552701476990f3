//! Group `exit`: every rule in several spellings, and what merely looks like one.

mod support;

use support::{each, found, nothing, scan};

#[test]
fn process_exit_is_found_in_every_spelling() {
    each(
        "process_exit",
        &[
            ("std::process::exit(1)", "std::process::exit"),
            ("::std::process::exit(1)", "std::process::exit"),
            ("process::exit(1)", "process::exit"),
            ("r#process::exit(1)", "r#process::exit"),
            ("std::r#process::exit(1)", "std::r#process::exit"),
            ("use std::process::exit; exit(1)", "exit"),
            ("use std::process::exit as quit; quit(1)", "quit"),
            ("use std::process as p; p::exit(1)", "p::exit"),
            ("use std::process as p; use p::exit as e; e(1)", "e"),
            ("use std::{env, process::{self, Command}}; process::exit(1)", "process::exit"),
            ("use std::process::{self as p}; p::exit(1)", "p::exit"),
            ("use std::process::*; exit(1)", "exit"),
            ("use std::*; process::exit(1)", "process::exit"),
            ("extern crate std as s; s::process::exit(1)", "s::process::exit"),
            ("use std as s; s::process::exit(1)", "s::process::exit"),
            ("crate::sys::process::exit(1)", "crate::sys::process::exit"),
            ("super::process::exit(1)", "super::process::exit"),
            ("use crate::sys::process::exit; exit(1)", "exit"),
            ("__private::std::process::exit(1)", "__private::std::process::exit"),
            ("(std::process::exit)(1)", "std::process::exit"),
            ("let quit: fn(i32) -> ! = std::process::exit;", "std::process::exit"),
            ("let quit = process::exit as fn(i32) -> !;", "process::exit"),
            ("codes.for_each(process::exit)", "process::exit"),
            ("exit(1); use std::process::exit;", "exit"),
        ],
    );
}

#[test]
fn aborts_are_found() {
    each(
        "process_abort",
        &[
            ("std::process::abort()", "std::process::abort"),
            ("process::abort()", "process::abort"),
            ("use std::process::abort as die; die()", "die"),
            ("opt.unwrap_or_else(process::abort)", "process::abort"),
            ("core::intrinsics::abort()", "core::intrinsics::abort"),
        ],
    );
}

#[test]
fn exec_is_found_where_the_receiver_is_visibly_a_command() {
    each(
        "process_exec",
        &[
            ("Command::new(\"ls\").exec()", "exec"),
            ("std::process::Command::new(\"ls\").arg(\"-l\").env(\"A\", \"b\").exec()", "exec"),
            ("let mut command = Command::new(\"ls\"); command.arg(\"-l\"); command.exec()", "exec"),
            (
                "let command = make(); { use std::os::unix::process::CommandExt; command.exec() }",
                "exec",
            ),
            ("use std::os::unix::process::*; command.exec()", "exec"),
            ("use std::os::unix::process::CommandExt as _; command.exec()", "exec"),
            ("CommandExt::exec(&mut command)", "CommandExt::exec"),
            ("<Command as CommandExt>::exec(&mut command)", "<Command as CommandExt>::exec"),
            ("let command: &mut Command = it; command.exec()", "exec"),
        ],
    );
    nothing(&[
        "query.exec()",
        "regex.exec(text)",
        "Statement::new(\"..\").exec()",
        "use clap::Command; Command::new(\"ls\").exec()",
        "let command = Command::new(\"ls\"); let command = query(); command.exec()",
    ]);
}

#[test]
fn a_parameter_of_type_command_execs() {
    let function: syn::ItemFn =
        syn::parse_str("fn f(mut command: Command) { command.exec(); }").expect("a function");
    let scan = backstop_rules::Scan::new(&[backstop_rules::Group::Exit]);
    let report = scan.signature(&function.sig).block(&function.block);
    assert_eq!(report.findings[0].rule.name, "process_exec");
}

#[test]
fn exits_below_rust_are_found() {
    each(
        "libc_exit",
        &[
            ("libc::exit(1)", "libc::exit"),
            ("unsafe { libc::_exit(1) }", "libc::_exit"),
            ("nix::libc::_exit(1)", "nix::libc::_exit"),
            ("use libc::_Exit as leave; leave(1)", "leave"),
            ("libc::quick_exit(1)", "libc::quick_exit"),
            ("libc::execvp(program, argv)", "libc::execvp"),
            ("libc::pthread_exit(null)", "libc::pthread_exit"),
            ("libc::siglongjmp(env, 1)", "libc::siglongjmp"),
            ("libc::raise(libc::SIGKILL)", "libc::raise"),
            ("libc::kill(libc::getpid(), 9)", "libc::kill"),
            ("libc::kill(0, 9)", "libc::kill"),
            ("libc::kill(std::process::id() as i32, 9)", "libc::kill"),
            ("nix::unistd::execv(&program, &args)?;", "nix::unistd::execv"),
            ("use nix::unistd::fexecve; fexecve(fd, a, b)?;", "fexecve"),
            (
                "use nix::sys::signal::{self, Signal}; signal::raise(Signal::SIGTERM)?;",
                "signal::raise",
            ),
            ("use nix::sys::signal::kill; kill(Pid::this(), None)?;", "kill"),
            ("nix::sys::signal::kill(getpid(), s)?;", "nix::sys::signal::kill"),
            ("nix::sys::signal::kill(Pid::from_raw(0), s)?;", "nix::sys::signal::kill"),
            (
                "rustix::process::kill_process(rustix::process::getpid(), s)?;",
                "rustix::process::kill_process",
            ),
            ("rustix::runtime::exit_group(1)", "rustix::runtime::exit_group"),
            ("signal_hook::low_level::exit(1)", "signal_hook::low_level::exit"),
            ("low_level::emulate_default_handler(s)?;", "low_level::emulate_default_handler"),
            ("extern \"C\" { fn _exit(code: i32) -> !; } unsafe { _exit(1) }", "_exit"),
        ],
    );
    nothing(&[
        "libc::kill(child_pid, 9)",
        "libc::kill(child.id() as i32, 9)",
        "nix::sys::signal::kill(Pid::from_raw(child), s)?;",
        "use nix::sys::signal::kill; kill(child, s)?;",
        "pids.for_each(libc::kill)",
        "libc::getpid()",
    ]);
}

#[test]
fn the_rarer_exits_are_found() {
    each(
        "alloc_error",
        &[
            ("std::alloc::handle_alloc_error(layout)", "std::alloc::handle_alloc_error"),
            ("alloc::alloc::handle_alloc_error(layout)", "alloc::alloc::handle_alloc_error"),
            ("alloc::handle_alloc_error(layout)", "alloc::handle_alloc_error"),
            (
                "use std::alloc::{self}; alloc::handle_alloc_error(layout)",
                "alloc::handle_alloc_error",
            ),
        ],
    );
    each(
        "unreachable_unchecked",
        &[
            ("std::hint::unreachable_unchecked()", "std::hint::unreachable_unchecked"),
            ("core::hint::unreachable_unchecked()", "core::hint::unreachable_unchecked"),
            ("use std::hint; hint::unreachable_unchecked()", "hint::unreachable_unchecked"),
        ],
    );
    each(
        "inline_asm",
        &[
            ("asm!(\"ud2\")", "asm"),
            ("core::arch::asm!(\"ud2\");", "core::arch::asm"),
            ("use std::arch::asm as a; a!(\"ud2\")", "a"),
            ("std::arch::naked_asm!(\"ud2\")", "std::arch::naked_asm"),
            ("sum(asm!(\"nop\"))", "asm"),
        ],
    );
    each(
        "clap_exit",
        &[
            ("clap::Error::exit(&error)", "clap::Error::exit"),
            ("use clap::error::Error; Error::exit(&error)", "Error::exit"),
            ("Cli::command().error(kind, \"no\").exit()", "exit"),
            ("let cli = Cli::try_parse().unwrap_or_else(|error| error.exit());", "exit"),
            ("clap::Error::raw(kind, \"no\").exit()", "exit"),
        ],
    );
    nothing(&["let cli = Cli::parse();", "Error::exit(1)", "error.exit()"]);
}

#[test]
fn look_alikes_are_not_found() {
    nothing(&[
        "room.exit()",
        "map.exit(1)",
        "AppState::exit(1)",
        "Self::exit(1)",
        "exit(1)",
        "abort()",
        "fn exit(code: i32) {} exit(1)",
        "let exit = |code| code; exit(1)",
        "let abort = 1; f(abort)",
        "handle.abort()",
        "tokio::task::AbortHandle::abort(&handle)",
        "AbortHandle::abort(&handle)",
        "use tokio::task::AbortHandle; handles.for_each(AbortHandle::abort)",
        "let text = \"std::process::exit(1)\"; // std::process::exit(1)\n",
        "use std::process::exit;",
        "fn inner() { std::process::exit(1) }",
        "mod process { pub fn exit(_: i32) {} } process::exit(1)",
        "use crate::process; process::exit(1)",
        "use game::process; process::exit(1)",
        "struct process; process::exit(1)",
        "use std::process::exit; { let exit = |_| (); exit(1) }",
        "use std::process::exit; let f = |exit: fn(i32)| exit(1);",
        "use std::process::exit; if let Some(exit) = found { exit(1) }",
        "use std::process::exit; match found { Some(exit) => exit(1), None => {} }",
        "use std::process::exit; for exit in exits { exit(1) }",
        "use std::process::exit; { fn exit(_: i32) {} exit(1) }",
        "impl Room { fn f() { process::exit(1) } }",
        "std::process::ExitCode::from(1)",
        "log::exit::record(1)",
        "exit::process(1)",
    ]);
}

#[test]
fn a_local_variable_of_a_modules_name_does_not_hide_the_module() {
    // rustc looks modules and variables up in different namespaces.
    assert_eq!(found("let process = 1; process::exit(1)"), ["process_exit: process::exit"]);
}

#[test]
fn a_name_is_local_only_within_its_scope() {
    let code = "use std::process::exit; { let exit = 1; f(exit); } exit(2)";
    assert_eq!(found(code), ["process_exit: exit"]);
    let code = "use std::process::exit; exit(1); let exit = |_| (); exit(2)";
    assert_eq!(found(code), ["process_exit: exit"]);
    let code = "let f = |exit: u8| exit; use std::process::exit; exit(2)";
    assert_eq!(found(code), ["process_exit: exit"]);
}

#[test]
fn exits_are_found_wherever_an_expression_stands() {
    for code in [
        "let f = || process::exit(1);",
        "let f = move |x: u8| { process::exit(1) };",
        "async { process::exit(1) };",
        "async move { f(process::exit(1)).await };",
        "const { process::exit(1) }",
        "unsafe { process::exit(1) }",
        "{ { process::exit(1) } }",
        "match x { 1 if process::exit(1) => {} _ => {} }",
        "match x { 1 => process::exit(1), _ => {} }",
        "let Some(x) = y else { process::exit(1) };",
        "if process::exit(1) {} else {}",
        "while let Some(x) = process::exit(1) {}",
        "for x in process::exit(1) {}",
        "return process::exit(1);",
        "a = process::exit(1);",
        "a[process::exit(1)] += 1;",
        "S { a: process::exit(1), ..b };",
        "let x: [u8; { process::exit(1) }] = y;",
        "x.f::<{ process::exit(1) }>();",
        "f::<{ process::exit(1) }>();",
        "&raw const process::exit(1);",
        "[process::exit(1); 2];",
        "'a: { break 'a process::exit(1) }",
        "x as u8 + process::exit(1)?.y.await",
        "let (a, b) = (1, process::exit(1));",
        "process::exit(1)..",
    ] {
        assert_eq!(found(code), ["process_exit: process::exit"], "in {code}");
    }
}

#[test]
fn a_function_passed_as_a_value_is_told_from_a_call() {
    let report = scan("opt.unwrap_or_else(process::abort); process::exit(1)");
    let values: Vec<_> = report.findings.iter().map(|found| found.as_value).collect();
    assert_eq!(values, [true, false]);
}

#[test]
fn a_finding_says_what_is_written_and_what_it_stands_for() {
    let report = scan("use std::process::exit as quit; quit(1); std::process::exit(2)");
    let [alias, full] = &report.findings[..] else { panic!("{report:?}") };
    assert_eq!(alias.written, "quit");
    assert_eq!(alias.via.as_deref(), Some("std::process::exit"));
    assert_eq!(
        alias.describe(),
        "`quit` (`std::process::exit`) ends the process without running destructors"
    );
    assert_eq!((full.written.as_str(), full.via.as_deref()), ("std::process::exit", None));
    let error = full.error(full.describe());
    assert_eq!(error.span().source_text().as_deref(), Some("std::process::exit"));
}
