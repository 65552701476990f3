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
    nothing(&["tasks.spawn(f())", "rayon::scope(f)", "tokio::join!(a, b)"]);
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
        "Command::new(\"a\").spawn()?.wait()?;",
        "children.push(Command::new(\"a\").spawn()?);",
        "Command::new(\"a\").spawn()",
        "return Command::new(\"a\").spawn();",
        "pool.spawn();",
        "Command::new(\"a\").status()?;",
    ]);
}

#[test]
fn tasks_of_a_set_that_nobody_joins_are_found() {
    each(
        "detached_task",
        &[
            ("JoinSet::new().spawn(f())", "spawn"),
            ("let mut set = JoinSet::new(); set.spawn(f());", "spawn"),
            ("let mut set: JoinSet<()> = JoinSet::new(); set.spawn_blocking(f);", "spawn_blocking"),
            ("let mut set = JoinSet::<()>::new(); for x in y { set.spawn(f(x)); }", "spawn"),
            ("let mut set = JoinSet::new(); set.spawn(f()); info!(\"{}\", set.len());", "spawn"),
            ("let mut set = JoinSet::new(); set.spawn(f()); set.abort_all(); drop(set);", "spawn"),
            ("let mut set = JoinSet::new(); set.spawn_on(f(), &handle);", "spawn_on"),
            ("let mut set = JoinSet::new(); set.build_task().name(n).spawn(f())?;", "spawn"),
            ("use tokio::task::JoinSet as Set; let mut set = Set::new(); set.spawn(f());", "spawn"),
        ],
    );
    nothing(&[
        "let mut set = JoinSet::new(); set.spawn(f()); set.join_all().await;",
        "let mut set = JoinSet::new(); set.spawn(f()); set.shutdown().await;",
        "let mut set = JoinSet::new(); set.spawn(f()); while let Some(_) = set.join_next().await {}",
        "let mut set = JoinSet::new(); set.spawn(f()); select! { Some(_) = set.join_next() => {} }",
        "let mut set = JoinSet::new(); set.spawn(f()); wait_for(&mut set).await;",
        "let mut set = JoinSet::new(); set.spawn(f()); unknown!(set);",
        "let mut set = JoinSet::new(); set.spawn(f()); set",
        "let mut set = JoinSet::new(); set.spawn(f()); Workers { set }",
        "let mut set = JoinSet::new(); set.spawn(f()); let set = g(set); set.spawn(f());",
        "#[cleanup(async { set.shutdown().await })] let mut set = JoinSet::new(); set.spawn(f());",
        "let mut set = JoinSet::new(); set.spawn(f()); defer! { keep(set) }",
        "use my::JoinSet; let mut set = JoinSet::new(); set.spawn(f());",
        "let set = JoinSet::new(); let other = Pool::new(); other.spawn(f());",
        "fn g(set: &mut JoinSet<()>) { set.spawn(f()); }",
    ]);
}

#[test]
fn children_that_nobody_waits_for_are_found() {
    each(
        "detached_child",
        &[
            ("let _child = Command::new(\"a\").spawn()?;", "spawn"),
            ("let child = Command::new(\"a\").arg(\"b\").spawn().unwrap();", "spawn"),
            ("let child = Command::new(\"a\").spawn()?; println!(\"{}\", child.id());", "spawn"),
            ("let child = Command::new(\"a\").spawn()?; drop(child);", "spawn"),
        ],
    );
    nothing(&[
        "let mut child = Command::new(\"a\").spawn()?; child.wait()?;",
        "let mut child = Command::new(\"a\").spawn()?; child.kill()?;",
        "let child = Command::new(\"a\").spawn()?; children.push(child);",
        "let child = Command::new(\"a\").spawn()?; child",
        "let child = Command::new(\"a\").spawn()?; let out = child.stdout;",
        "#[cleanup(stop(child))] let child = Command::new(\"a\").spawn()?;",
        // Dropped, it is killed.
        "let _child = Command::new(\"a\").kill_on_drop(true).spawn()?;",
        "let mut command = g(); let _child = command.spawn()?;",
        "let mut a = Command::new(\"a\"); a.kill_on_drop(true); let _child = a.spawn()?;",
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
