//! The parts of an `async` main.

use std::future::{Future, pending};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use backstop::{cancel_token, must_cleanup, scoped_spawn};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::{Told, goodbyes, say, stuck};

/// Whether somebody owes an `async` cleanup.
static IS_OWING: AtomicBool = AtomicBool::new(false);

/// Plays the part that the first argument names.
///
/// # Panics
///
/// If there is no such part, or if it is to panic.
pub async fn play() -> ExitCode {
    let part = std::env::args().nth(1).expect("a part");
    match part.as_str() {
        "workers" => {
            let metrics = Handle::current().metrics();
            say(&format!("{:?} {}", Handle::current().runtime_flavor(), metrics.num_workers()));
        }
        "drivers" => {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await;
            say(&format!("listens: {}", listener.is_ok()));
        }
        "return" => {
            say("ready");
            say(&format!("{:?}", cancel_token().cancelled().await));
            return ExitCode::from(7);
        }
        "pending" => {
            tokio::spawn(owes("task"));
            tokio::task::yield_now().await;
            owes("main").await;
        }
        "asked" => {
            tokio::spawn(async {
                cancel_token().cancelled().await;
                say("asked");
            });
            owes("main").await;
        }
        "in_a_scope" => {
            in_a_scope().await;
            say("the scope has ended");
        }
        "stuck" => {
            say("ready");
            stuck();
        }
        "task_is_stuck" => {
            tokio::spawn(async { stuck_in_a_task() });
            pending::<()>().await;
        }
        "leaves_tasks" => {
            let (begun, begins) = oneshot::channel();
            tokio::spawn(async move {
                let _told = Told("task dropped");
                begun.send(()).expect("main waits");
                pending::<()>().await;
            });
            begins.await.expect("it begins");
            return ExitCode::from(7);
        }
        "leaves_a_task_that_owes" => {
            tokio::spawn(owes("task"));
            // A task that has not begun owes nothing.
            while !IS_OWING.load(Ordering::Acquire) {
                tokio::task::yield_now().await;
            }
            return ExitCode::from(7);
        }
        "leaves_a_task_whose_cleanup_fails" => return leaves_a_task_whose_cleanup_fails().await,
        "fails_when_dropped" => fails_when_dropped().await,
        "leaves_a_blocking_task" => {
            let _told = Told("main's destructor");
            let (begun, begins) = oneshot::channel();
            tokio::task::spawn_blocking(move || {
                begun.send(()).expect("main waits");
                stuck();
            });
            begins.await.expect("it begins");
            return ExitCode::from(7);
        }
        "leaves_a_short_blocking_task" => {
            let (begun, begins) = oneshot::channel();
            tokio::task::spawn_blocking(move || {
                begun.send(()).expect("main waits");
                thread::sleep(Duration::from_millis(50));
                say("blocking task done");
            });
            begins.await.expect("it begins");
            return ExitCode::from(7);
        }
        "scope_with_a_blocking_task" => scope_with_a_blocking_task().await,
        "exit" => {
            let _told = Told("main's destructor");
            tokio::task::yield_now().await;
            backstop::exit(3);
        }
        "exit_in_a_task" => {
            let _told = Told("main's destructor");
            tokio::spawn(async { backstop::exit(3) });
            cancel_token().cancelled().await;
        }
        "panic" => {
            let _told = Told("main's destructor");
            tokio::task::yield_now().await;
            panic!("in main");
        }
        part if part.starts_with("goodbye") => return goodbyes::play(part).await,
        other => panic!("no such part: {other}"),
    }
    ExitCode::SUCCESS
}

/// Waits for ever, and owes an `async` cleanup.
#[must_cleanup]
async fn owes(who: &'static str) {
    #[cleanup(async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        say(&format!("{who} said goodbye"));
    })]
    say(&format!("{who} ready"));
    IS_OWING.store(true, Ordering::Release);
    pending::<()>().await;
}

#[scoped_spawn]
async fn in_a_scope() {
    tokio::spawn(async {
        let _told = Told("child dropped");
        say("ready");
        say(&format!("{:?}", cancel_token().cancelled().await));
        pending::<()>().await;
    });
}

async fn leaves_a_task_whose_cleanup_fails() -> ExitCode {
    trace_to_nobody();
    fails("early", async {}).await;
    let (begun, begins) = oneshot::channel();
    tokio::spawn(fails("late", async {
        begun.send(()).expect("main waits");
        pending::<()>().await;
    }));
    begins.await.expect("it begins");
    ExitCode::from(7)
}

async fn fails_when_dropped() {
    trace_to_nobody();
    fails("main's", async {
        say("ready");
        pending::<()>().await;
    })
    .await;
}

/// Sets a subscriber that takes every event, and does as much with it as one whose writer has ended.
pub(super) fn trace_to_nobody() {
    tracing::subscriber::set_global_default(tracing_subscriber::registry()).expect("there is none");
}

#[must_cleanup]
async fn fails(name: &'static str, body: impl Future<Output = ()>) {
    #[cleanup(Err::<(), _>(name))]
    let name = name;
    body.await;
}

async fn scope_with_a_blocking_task() {
    backstop::scope::tokio(|s| async move {
        s.task().name("hash").spawn_blocking(|| {
            say("ready");
            stuck();
        });
    })
    .await;
}

fn stuck_in_a_task() {
    say("ready");
    stuck();
}
