//! Group `detach`: what starts work that outlives the function.

use super::{Group, Kind, Method, ROW, Receiver, Rule, bare};

const DETACH: Rule = Rule { group: Group::Detach, ..ROW };

const fn spawns(name: &'static str, kind: Kind) -> Method {
    Method { name, arguments: Some(1), receiver: Receiver::Is(kind) }
}

const fn spawns_on(name: &'static str) -> Method {
    Method { name, arguments: Some(2), receiver: Receiver::Is(Kind::TaskSet) }
}

pub(super) const ROWS: &[Rule] = &[
    Rule {
        name: "detached_thread",
        paths: &[
            "std::thread::spawn",
            "std::thread::spawn_unchecked",
            "std::thread::Builder::spawn",
            "std::thread::Builder::spawn_unchecked",
        ],
        methods: &[
            spawns("spawn", Kind::ThreadBuilder),
            spawns("spawn_unchecked", Kind::ThreadBuilder),
        ],
        reason: "starts a thread that may outlive this function, and dies with the process",
        remedy: "spawn it in a `thread::scope`, or under `#[scoped_spawn]`",
        example: "std::thread::spawn(work);",
        instead: "std::thread::scope(|scope| { scope.spawn(work); });",
        ..DETACH
    },
    Rule {
        name: "detached_task",
        paths: &[
            "tokio::spawn",
            "tokio::task::spawn",
            "tokio::task::spawn_blocking",
            "tokio::task::spawn_local",
            "tokio::task::Builder::spawn",
            "tokio::runtime::Handle::spawn",
            "tokio::runtime::Handle::spawn_blocking",
            "tokio::runtime::Runtime::spawn",
            "tokio::runtime::Runtime::spawn_blocking",
            "async_std::task::spawn",
            "async_std::task::spawn_blocking",
            "async_std::task::spawn_local",
            "async_global_executor::spawn",
            "async_global_executor::spawn_local",
            "smol::spawn",
            "smol::unblock",
            "blocking::unblock",
            "rayon::spawn",
            "rayon::spawn_fifo",
            "rayon::spawn_broadcast",
            "actix_web::rt::spawn",
            "actix_rt::spawn",
            "wasm_bindgen_futures::spawn_local",
            "glib::spawn_future",
            "glib::spawn_future_local",
            "compio::runtime::spawn",
            "monoio::spawn",
        ],
        methods: &[
            spawns("spawn", Kind::Executor),
            spawns("spawn_blocking", Kind::Executor),
            spawns("spawn_local", Kind::Executor),
            spawns("spawn_fifo", Kind::Executor),
            spawns("spawn", Kind::TaskSet),
            spawns("spawn_blocking", Kind::TaskSet),
            spawns("spawn_local", Kind::TaskSet),
            spawns_on("spawn_on"),
            spawns_on("spawn_blocking_on"),
            spawns_on("spawn_local_on"),
        ],
        reason: "starts a task that may outlive this function",
        remedy: "await it here, spawn it into a `JoinSet` that is joined, or use `#[scoped_spawn]`",
        example: "tokio::spawn(work());",
        instead: "work().await;",
        ..DETACH
    },
    Rule {
        name: "detached_child",
        methods: &[Method {
            name: "spawn",
            arguments: Some(0),
            receiver: Receiver::Dropped(Kind::Command),
        }],
        reason: "starts a child process whose handle is dropped, which neither stops nor reaps it",
        remedy: "keep the `Child` and `wait` for it, or use `status`",
        example: "Command::new(\"sync\").spawn()?;",
        instead: "Command::new(\"sync\").status()?;",
        ..DETACH
    },
    Rule {
        name: "detach_method",
        paths: &[
            "tokio::task::JoinSet::detach_all",
            "tokio::task::JoinMap::detach_all",
            "tokio_util::task::JoinMap::detach_all",
            "tokio::runtime::Runtime::shutdown_background",
            "futures::future::RemoteHandle::forget",
            "futures_util::future::RemoteHandle::forget",
            "async_task::Task::detach",
            "smol::Task::detach",
        ],
        methods: &[bare("detach"), bare("detach_all"), bare("shutdown_background")],
        reason: "lets go of running work, which then outlives this function",
        remedy: "wait for the work, or cancel it",
        example: "tasks.detach_all();",
        instead: "tasks.shutdown().await;",
        ..DETACH
    },
];
