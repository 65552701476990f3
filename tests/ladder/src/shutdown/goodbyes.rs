//! The parts of an `async` main that says goodbye through a socket of its runtime, to the address that is the
//! second argument.

use std::future::pending;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backstop::{must_cleanup, scoped_spawn};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::{say, stuck};

/// Whether a task keeps the thread of the runtime.
static IS_STUCK: AtomicBool = AtomicBool::new(false);

pub(super) async fn play(part: &str) -> ExitCode {
    let address = std::env::args().nth(2).expect("an address");
    let stream = TcpStream::connect(address).await.expect("the test listens");
    match part {
        "goodbye_when_forced" => says_goodbye(stream, pending()).await,
        "goodbye_of_a_scope" => scope(stream).await,
        "goodbye_of_what_was_dropped" => {
            let dropped = timeout(Duration::from_millis(1), says_goodbye(stream, pending())).await;
            assert!(dropped.is_err());
        }
        "goodbye_of_a_task" => {
            let (begun, begins) = oneshot::channel();
            tokio::spawn(says_goodbye(stream, async {
                begun.send(()).expect("main waits");
                pending::<()>().await;
            }));
            begins.await.expect("it begins");
        }
        "goodbye_on_panic" => says_goodbye(stream, async { panic!("in main") }).await,
        "goodbye_on_exit" => says_goodbye(stream, async { backstop::exit(7) }).await,
        "goodbye_never_ends" => {
            backstop::__private::set_exit_limit(Duration::from_millis(200));
            let dropped = timeout(Duration::from_millis(1), never_ends(stream)).await;
            assert!(dropped.is_err());
        }
        "goodbye_never_ends_when_forced" => never_ends(stream).await,
        "goodbye_beside_a_task_that_is_stuck" => {
            let dropped = timeout(Duration::from_millis(1), waits_for_the_stuck(stream)).await;
            assert!(dropped.is_err());
            tokio::spawn(async {
                IS_STUCK.store(true, Ordering::Release);
                stuck()
            });
        }
        other => panic!("no such part: {other}"),
    }
    ExitCode::from(7)
}

#[must_cleanup]
async fn says_goodbye(stream: TcpStream, body: impl Future<Output = ()>) {
    #[cleanup(async {
        // Once `main` has been dropped.
        sleep(Duration::from_millis(20)).await;
        stream.write_all(b"goodbye").await
    })]
    let stream = stream;
    say("ready");
    body.await;
}

#[scoped_spawn]
async fn scope(stream: TcpStream) {
    tokio::spawn(says_goodbye(stream, pending()));
}

#[must_cleanup]
async fn never_ends(stream: TcpStream) {
    #[cleanup(async {
        pending::<()>().await;
        drop(stream);
    })]
    let stream = stream;
    say("ready");
    pending::<()>().await;
}

#[must_cleanup]
async fn waits_for_the_stuck(stream: TcpStream) {
    #[cleanup(async {
        while !IS_STUCK.load(Ordering::Acquire) {
            sleep(Duration::from_millis(1)).await;
        }
        drop(stream);
    })]
    let stream = stream;
    say("ready");
    pending::<()>().await;
}
