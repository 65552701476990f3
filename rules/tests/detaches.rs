//! Group `detach`.

mod support;

use support::{each, nothing, scan};

#[test]
fn detached_threads_are_found() {
    each(
        "detached_thread",
        &[
            ("std::thread::spawn(f)", "std::thread::spawn"),
            ("let handle = thread::spawn(f);", "thread::spawn"),
            ("use std::thread::spawn as start; start(f)", "start"),
            ("jobs.map(std::thread::spawn)", "std::thread::spawn"),
            ("thread::Builder::new().name(n).spawn(f)?;", "spawn"),
            ("use std::thread::Builder; Builder::new().spawn(f)?;", "spawn"),
            ("let builder = std::thread::Builder::new(); builder.spawn(f)?;", "spawn"),
        ],
    );
    nothing(&[
        "thread::scope(|scope| { scope.spawn(f); })",
        "scope.spawn(f)",
        "tasks.spawn(f)",
        "use my::thread; thread::spawn(f)",
        "spawn(f)",
        "Builder::new().spawn(f)",
        "thread::current()",
    ]);
}

#[test]
fn a_called_spawn_is_told_from_one_that_is_passed_on() {
    let report = scan("thread::spawn(f); jobs.map(thread::spawn)");
    let values: Vec<_> = report.findings.iter().map(|found| found.as_value).collect();
    assert_eq!(values, [false, true]);
}

#[test]
fn detached_tasks_are_found() {
    each(
        "detached_task",
        &[
            ("tokio::spawn(f())", "tokio::spawn"),
            ("use tokio::task; task::spawn_blocking(f)", "task::spawn_blocking"),
            ("use tokio::spawn; spawn(f())", "spawn"),
            ("use tokio::task::spawn_local as go; go(f())", "go"),
            ("task::spawn(f())", "task::spawn"),
            ("async_std::task::spawn(f())", "async_std::task::spawn"),
            ("smol::spawn(f()).detach_later()", "smol::spawn"),
            ("rayon::spawn(f)", "rayon::spawn"),
            ("rayon::spawn_fifo(f)", "rayon::spawn_fifo"),
            ("tokio::runtime::Handle::current().spawn(f())", "spawn"),
            ("let rt = tokio::runtime::Runtime::new()?; rt.spawn(f());", "spawn"),
        ],
    );
    nothing(&[
        "tasks.spawn(f())",
        "JoinSet::new().spawn(f())",
        "rayon::scope(f)",
        "tokio::join!(a, b)",
    ]);
}

#[test]
fn children_whose_handle_is_dropped_are_found() {
    each(
        "detached_child",
        &[
            ("Command::new(\"a\").spawn();", "spawn"),
            ("Command::new(\"a\").arg(\"b\").spawn()?;", "spawn"),
            ("std::process::Command::new(\"a\").spawn().unwrap();", "spawn"),
            ("Command::new(\"a\").spawn().expect(\"a\");", "spawn"),
            ("let _ = Command::new(\"a\").spawn();", "spawn"),
            ("drop(Command::new(\"a\").spawn()?);", "spawn"),
            ("let mut command = Command::new(\"a\"); command.spawn()?;", "spawn"),
            ("use tokio::process::Command as C; C::new(\"a\").spawn()?;", "spawn"),
        ],
    );
    nothing(&[
        "let child = Command::new(\"a\").spawn()?;",
        "let _child = Command::new(\"a\").spawn()?;",
        "Command::new(\"a\").spawn()?.wait()?;",
        "children.push(Command::new(\"a\").spawn()?);",
        "Command::new(\"a\").spawn()",
        "return Command::new(\"a\").spawn();",
        "pool.spawn();",
        "Command::new(\"a\").status()?;",
    ]);
}

#[test]
fn detaching_methods_are_found() {
    each(
        "detach_method",
        &[
            ("task.detach()", "detach"),
            ("tasks.detach_all()", "detach_all"),
            ("runtime.shutdown_background()", "shutdown_background"),
            ("sets.for_each(JoinSet::detach_all)", "JoinSet::detach_all"),
            (
                "futures::future::RemoteHandle::forget(handle)",
                "futures::future::RemoteHandle::forget",
            ),
        ],
    );
    nothing(&["node.detach(child)", "runtime.shutdown_timeout(t)"]);
}
