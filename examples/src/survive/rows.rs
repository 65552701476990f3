//! The ways to end: to add one, add a row.

use rustix::process::Signal;

use super::ends;
use super::row::{Build, Holder, Main, Place, Row, Second, Step};
use super::status::{Status, always, without_and_with};
use super::table::Table;
use super::tasks;

use Status::{Exit, Killed};

/// What most rows have in common.
const PLAIN: Row = Row {
    name: "",
    title: "",
    about: "",
    note: "",
    tables: &[Table::Rungs],
    status: always(Exit(0)),
    outcome: "success",
    is_slow: false,
    refused: None,
    end: ends::go_on,
    holder: Holder::Main,
    tasks: None,
    second: Second::Nothing,
    main: Main::ByColumn,
    place: Place::Here,
    build: Build::Usual,
    steps: &[],
};

/// What most rows of tasks have in common: their functions are cancelled.
const CANCELLED: Row = Row { tables: &Table::ALL, outcome: "cancel", ..PLAIN };

/// The ways to end, from the gentle ones to the hard ones.
pub(super) const ROWS: &[Row] = &[
    Row {
        name: "normal-return",
        title: "normal return",
        about: "The function ends, and `main` returns.",
        ..PLAIN
    },
    Row {
        name: "early-return",
        title: "early return and `?`",
        about: "The function is called twice: it leaves by `return`, and then by `?` on an `Err`, \
                which `main` makes exit code 1. Nothing may be left of either.",
        status: always(Exit(1)),
        end: ends::leave_early,
        holder: Holder::Twice,
        ..PLAIN
    },
    Row {
        name: "panic",
        title: "panic",
        about: "The function panics, and nobody catches it.",
        status: always(Exit(101)),
        end: ends::panics,
        ..PLAIN
    },
    Row {
        name: "cleanup-panics",
        title: "panic in a cleanup",
        about: "The function ends, and another cleanup, which runs before that of the resource, \
                panics.",
        status: always(Exit(101)),
        second: Second::Panics,
        ..PLAIN
    },
    Row {
        name: "cleanup-panics-while-unwinding",
        title: "panic in a cleanup while unwinding",
        about: "The function panics, and so does a cleanup that runs before that of the resource.",
        status: without_and_with(Killed(Signal::ABORT), Exit(101)),
        end: ends::panics,
        second: Second::Panics,
        ..PLAIN
    },
    Row {
        name: "thread-panics",
        title: "panic in a child thread",
        about: "A thread that holds the resource panics; `main` joins it, and returns.",
        end: ends::panics,
        holder: Holder::Joined,
        ..PLAIN
    },
    Row {
        name: "main-returns",
        title: "`main` returns while threads run",
        about: "A thread holds the resource and waits for ever; `main` returns.",
        end: ends::wait_for_ever,
        holder: Holder::Detached,
        ..PLAIN
    },
    Row {
        name: "process-exit",
        title: "`process::exit`",
        about: "The thread that holds the resource calls `process::exit(3)`.",
        status: always(Exit(3)),
        end: ends::process_exit,
        ..PLAIN
    },
    Row {
        name: "process-exit-elsewhere",
        title: "`process::exit` from another thread",
        about: "Another thread than the one that holds the resource calls `process::exit(3)`.",
        status: always(Exit(3)),
        end: ends::process_exit_elsewhere,
        ..PLAIN
    },
    Row {
        name: "backstop-exit",
        title: "`backstop::exit`",
        about: "The function calls `backstop::exit(4)`, in all columns under an annotated `main`.",
        status: always(Exit(4)),
        end: ends::backstop_exit,
        main: Main::Annotated,
        ..PLAIN
    },
    Row {
        name: "sigterm",
        title: "SIGTERM",
        about: "The process is sent SIGTERM, and takes no notice: the thread that holds the \
                resource waits for ever.",
        status: always(Killed(Signal::TERM)),
        end: ends::wait_for_ever,
        steps: &[Step::Signal(Signal::TERM)],
        ..PLAIN
    },
    Row {
        name: "sigint",
        title: "SIGINT (Ctrl-C)",
        about: "As with SIGTERM: the thread that holds the resource waits for ever when SIGINT comes.",
        status: always(Killed(Signal::INT)),
        end: ends::wait_for_ever,
        steps: &[Step::Signal(Signal::INT)],
        ..PLAIN
    },
    Row {
        name: "sighup",
        title: "SIGHUP",
        about: "As with SIGTERM: the thread that holds the resource waits for ever when SIGHUP comes.",
        status: always(Killed(Signal::HUP)),
        end: ends::wait_for_ever,
        steps: &[Step::Signal(Signal::HUP)],
        ..PLAIN
    },
    Row {
        name: "second-signal",
        title: "a second signal in the grace period",
        about: "The process is sent SIGTERM, and again as soon as it knows of the first one; its \
                grace period is longer than anybody waits here. Where nobody handles the first \
                signal, it is the end.",
        status: always(Killed(Signal::TERM)),
        end: ends::announce_the_grace_period,
        main: Main::Patient,
        steps: &[Step::Signal(Signal::TERM), Step::Await("grace"), Step::Signal(Signal::TERM)],
        ..PLAIN
    },
    Row {
        name: "cleanup-hangs",
        title: "a cleanup that hangs, then SIGTERM",
        about: "The function ends, and another cleanup, which runs before that of the resource, \
                never returns. Then the process is sent SIGTERM.",
        status: always(Killed(Signal::TERM)),
        is_slow: true,
        second: Second::Hangs,
        steps: &[Step::Await("hanging"), Step::Signal(Signal::TERM)],
        ..PLAIN
    },
    Row {
        name: "abort",
        title: "`process::abort`",
        about: "The function calls `process::abort`.",
        status: always(Killed(Signal::ABORT)),
        end: ends::abort,
        ..PLAIN
    },
    Row {
        name: "double-panic",
        title: "double panic without us",
        about: "The function panics, and the plain destructor of something else does, too.",
        status: always(Killed(Signal::ABORT)),
        end: ends::panics_twice,
        ..PLAIN
    },
    Row {
        name: "panic-abort",
        title: "a panic under `panic = \"abort\"`",
        about: "The program was built with `panic = \"abort\"`, and panics.",
        note: "The table is made with a second build of the program, which has that profile. \
               `cargo run --example survive` has one build only, and stands in for it with what the \
               profile does: the panic hook runs, nothing unwinds, and the process aborts.",
        status: always(Killed(Signal::ABORT)),
        end: ends::panics_without_unwinding,
        build: Build::Abort,
        ..PLAIN
    },
    Row {
        name: "underscore-exit",
        title: "`_exit`",
        about: "The function calls `_exit(3)` of libc, which runs no `atexit` handler.",
        status: always(Exit(3)),
        end: ends::exit_at_once,
        ..PLAIN
    },
    Row {
        name: "exec",
        title: "`exec`",
        about: "The process becomes another program, which exits with code 5.",
        status: always(Exit(5)),
        end: ends::exec,
        ..PLAIN
    },
    Row {
        name: "sigsegv",
        title: "SIGSEGV",
        about: "The function writes to a page that may not be written.",
        status: always(Killed(Signal::SEGV)),
        end: ends::segfault,
        ..PLAIN
    },
    Row {
        name: "stack-overflow",
        title: "stack overflow",
        about: "A thread calls itself until its stack is full; Rust's handler says so and aborts.",
        status: always(Killed(Signal::ABORT)),
        end: ends::overflow_the_stack,
        ..PLAIN
    },
    Row {
        name: "out-of-memory",
        title: "out-of-memory kill (simulated)",
        about: "The process is in the middle of an allocation when SIGKILL comes, from itself: what \
                the kernel does to the process that it picks.",
        note: "Simulated, because using up the machine's memory would hit its other programs: the \
               process gets SIGKILL while it fills an allocation. In a virtual machine, \
               `.ci/power-cut` has the kernel do it.",
        status: always(Killed(Signal::KILL)),
        end: ends::killed_while_allocating,
        ..PLAIN
    },
    Row {
        name: "kill",
        title: "`kill -9`",
        about: "The process is sent SIGKILL.",
        status: always(Killed(Signal::KILL)),
        end: ends::wait_for_ever,
        steps: &[Step::Signal(Signal::KILL)],
        ..PLAIN
    },
    Row {
        name: "kill-group",
        title: "`kill -9` of the process group",
        about: "Every process of the process group is sent SIGKILL.",
        status: always(Killed(Signal::KILL)),
        end: ends::wait_for_ever,
        steps: &[Step::KillGroup],
        ..PLAIN
    },
    Row {
        name: "kill-both",
        title: "`kill -9` of both, then a restart",
        about: "The process and every process that it started, the reaper among them, are sent SIGKILL \
                at once. Then the program is started again.",
        note: "All are stopped first, so that none of them sees the end of another.",
        status: always(Killed(Signal::KILL)),
        end: ends::wait_for_ever,
        steps: &[Step::KillAll],
        ..PLAIN
    },
    Row {
        name: "container",
        title: "process 1 of a container killed",
        about: "The process is number 1 in a PID namespace of its own, and is sent SIGKILL from \
                outside: the kernel kills all others in there, too. It is started again in a new \
                namespace.",
        note: "The reaper is stopped first: it may else be done before the kernel comes to it. Needs \
               the right to make PID and mount namespaces, as root or by a user namespace.",
        status: always(Killed(Signal::KILL)),
        end: ends::wait_for_ever,
        place: Place::Container,
        steps: &[Step::StopOthers, Step::Signal(Signal::KILL)],
        ..PLAIN
    },
    Row {
        name: "control-group",
        title: "`cgroup.kill`",
        about: "The process and all that it started are in a control group, which is killed.",
        note: "The reaper is stopped first, as in a container. Needs a cgroup2 hierarchy that can be \
               written to.",
        status: always(Killed(Signal::KILL)),
        end: ends::wait_for_ever,
        place: Place::ControlGroup,
        steps: &[Step::StopOthers, Step::KillControlGroup],
        ..PLAIN
    },
    Row {
        name: "daemon",
        title: "a daemon's double fork",
        about: "The process makes itself a daemon: it forks twice, and it and the process in \
                between end by `_exit(0)`. The resource must stay while the daemon uses it; then \
                the daemon returns from the function.",
        end: ends::become_a_daemon,
        steps: &[Step::AwaitEnd, Step::Await("daemon"), Step::MustStay],
        ..PLAIN
    },
    Row {
        name: "forked-child",
        title: "forked child that exits",
        about: "The process forks, and the child calls `process::exit`. The resource must stay \
                while the parent uses it; then the parent returns from the function.",
        end: ends::fork_a_child_that_exits,
        steps: &[Step::Await("forked"), Step::MustStay],
        ..PLAIN
    },
    Row {
        name: "extern-c",
        title: "panic across `extern \"C\"`",
        about: "An `extern \"C\" fn` that the function calls panics.",
        status: always(Killed(Signal::ABORT)),
        end: ends::panic_across_extern_c,
        ..PLAIN
    },
    Row {
        name: "forget",
        title: "`mem::forget` of a guard",
        about: "The guard is given to `mem::forget`, and the function ends.",
        note: "Refused in the body of the function, by `#[must_cleanup]`. Where the call is hidden \
               in another function, it gets no guard to forget but only what it guards: the \
               cleanup runs (`examples/tests/promises.rs`).",
        refused: Some("ui-tests/fail/rules/mem-forget.stderr"),
        end: ends::forget,
        ..PLAIN
    },
    Row {
        name: "task-ends",
        title: "task ends",
        about: "The work of the task is done, and its function ends. The program goes on for as long as \
                anything is under way about the resource, here and in all rows in which the runtime stays.",
        tables: &[Table::Tasks, Table::Outcomes],
        tasks: Some(|stage| Box::pin(tasks::end(stage))),
        ..PLAIN
    },
    Row {
        name: "task-fails",
        title: "task fails by `?`",
        about: "The work is an `Err`, which the function returns by `?`, and `main` makes exit code 1.",
        tables: &[Table::Tasks, Table::Outcomes],
        status: always(Exit(1)),
        outcome: "error",
        tasks: Some(|stage| Box::pin(tasks::fail(stage))),
        ..PLAIN
    },
    Row {
        name: "task-panics",
        title: "panic in a task",
        about: "The work panics; the runtime catches that, and the program goes on.",
        tables: &[Table::Tasks, Table::Outcomes],
        outcome: "unwind",
        tasks: Some(|stage| Box::pin(tasks::panics(stage))),
        ..PLAIN
    },
    Row {
        name: "task-aborted",
        title: "task aborted",
        about: "The task waits for its work, and `JoinHandle::abort` ends it.",
        tasks: Some(|stage| Box::pin(tasks::abort(stage))),
        ..CANCELLED
    },
    Row {
        name: "select",
        title: "future dropped in `select!`",
        about: "The future waits for its work in one branch of `tokio::select!`, and another branch is \
                ready first.",
        tasks: Some(|stage| Box::pin(tasks::lose_in_select(stage))),
        ..CANCELLED
    },
    Row {
        name: "timeout",
        title: "timeout",
        about: "The future waits for its work in `tokio::time::timeout`, until the time is over.",
        tasks: Some(|stage| Box::pin(tasks::time_out(stage))),
        ..CANCELLED
    },
    Row {
        name: "client-gone",
        title: "client gone",
        about: "The future answers a client over TCP, and the client closes the connection in the middle \
                of the answer. As servers do, the program drops the future at the end of its connection.",
        tasks: Some(|stage| Box::pin(tasks::lose_the_client(stage))),
        ..CANCELLED
    },
    Row {
        name: "runtime-shut-down",
        title: "runtime shut down",
        about: "The task waits for its work when `main` returns, with which its runtime is dropped.",
        tasks: Some(|stage| Box::pin(tasks::shut_down(stage))),
        ..CANCELLED
    },
    Row {
        name: "runtime-shut-down-in-cleanup",
        title: "runtime shut down in a cleanup",
        about: "The work of the task is done, and the cleanup has begun and waits for something when `main` \
                returns, with which the runtime is dropped.",
        tables: &[Table::Tasks],
        tasks: Some(|stage| Box::pin(tasks::shut_down_in_cleanup(stage))),
        ..PLAIN
    },
    Row {
        name: "process-exit-task",
        title: "`process::exit` beside a task",
        about: "The task waits for its work, and another one calls `process::exit(3)`, which drops no future.",
        tables: &[Table::Tasks],
        status: always(Exit(3)),
        tasks: Some(|stage| Box::pin(tasks::process_exit(stage))),
        ..PLAIN
    },
    Row {
        name: "sigterm-task",
        title: "SIGTERM while a task waits",
        about: "The process is sent SIGTERM while the task waits for its work, and takes no notice.",
        tables: &[Table::Tasks],
        status: always(Killed(Signal::TERM)),
        tasks: Some(|stage| Box::pin(tasks::wait_for_ever(stage))),
        steps: &[Step::Signal(Signal::TERM)],
        ..PLAIN
    },
    Row {
        name: "kill-task",
        title: "`kill -9` while a task waits",
        about: "The process is sent SIGKILL while the task waits for its work.",
        tables: &[Table::Tasks],
        status: always(Killed(Signal::KILL)),
        tasks: Some(|stage| Box::pin(tasks::wait_for_ever(stage))),
        steps: &[Step::Signal(Signal::KILL)],
        ..PLAIN
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::Path;

    use super::*;
    use crate::survive::screen::TITLE;

    #[test]
    fn each_row_has_a_name_of_its_own_that_is_safe_in_a_path() {
        let names: HashSet<_> = ROWS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), ROWS.len());
        for name in names {
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
        }
    }

    #[test]
    fn each_title_has_room_in_the_matrix_and_breaks_no_table() {
        for Row { title, about, note, .. } in ROWS {
            assert!(title.replace('`', "").chars().count() < TITLE, "{title}");
            assert!(!title.contains('|'), "{title}");
            assert!(about.ends_with('.') && (note.is_empty() || note.ends_with('.')), "{title}");
        }
    }

    #[test]
    fn what_the_compiler_refuses_is_shown_by_a_test_of_the_compiler() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for (row, path) in ROWS.iter().filter_map(|row| Some((row, row.refused?))) {
            let words = std::fs::read_to_string(root.join(path)).unwrap_or_default();
            assert!(words.starts_with("error: "), "{}: {path} shows no error", row.name);
        }
    }
}
