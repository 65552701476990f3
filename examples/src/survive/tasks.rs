//! The ways to end of tasks: what happens around the one that holds the resource.

use std::future::{Future, pending, ready};
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::process;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, SemaphorePermit, oneshot};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

use super::child::{READY, Stage, say};
use super::columns::hold_in_task;
use super::ends::Failed;

/// How a task is treated that holds the resource.
pub(super) type Course = fn(&'static Stage) -> Pin<Box<dyn Future<Output = Ended>>>;

/// What a function waits for while it holds the resource.
pub(super) type Work = Pin<Box<dyn Future<Output = Ended> + Send>>;

pub(super) type Ended = Result<(), Failed>;

pub(super) async fn end(stage: &'static Stage) -> Ended {
    join(spawn(stage, ready(Ok(()))).await?).await
}

pub(super) async fn fail(stage: &'static Stage) -> Ended {
    join(spawn(stage, ready(Err(Failed::AsItShould))).await?).await
}

pub(super) async fn panics(stage: &'static Stage) -> Ended {
    join(spawn(stage, async { panic!("the task panics") }).await?).await
}

pub(super) async fn abort(stage: &'static Stage) -> Ended {
    let task = spawn(stage, pending()).await?;
    task.abort();
    join(task).await
}

pub(super) async fn lose_in_select(stage: &'static Stage) -> Ended {
    let (held, ready) = oneshot::channel();
    tokio::select! {
        ended = hold_in_task(stage, work(held, pending())) => ended?,
        Ok(()) = ready => {}
    }
    settled().await
}

pub(super) async fn time_out(stage: &'static Stage) -> Ended {
    let (held, _ready) = oneshot::channel();
    // However late it is: the function is polled before the clock is looked at.
    let late = timeout(Duration::from_millis(10), hold_in_task(stage, work(held, pending())));
    late.await.unwrap_or(Ok(()))?;
    settled().await
}

/// What hyper does, too: the future of a request goes with its connection.
pub(super) async fn lose_the_client(stage: &'static Stage) -> Ended {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let mut client = TcpStream::connect(address).await?;
        // Goes away in the middle of the answer.
        client.read_u8().await
    });
    let (mut request, mut answer) = listener.accept().await?.0.into_split();
    let (held, _ready) = oneshot::channel();
    let handler = async move {
        answer.write_all(b"half an answer").await?;
        pending().await
    };
    tokio::select! {
        ended = hold_in_task(stage, work(held, handler)) => ended?,
        // The end of the connection: this client never says anything.
        _ = request.read_u8() => {}
    }
    settled().await
}

/// `main` returns, and with that its runtime ends.
pub(super) async fn shut_down(stage: &'static Stage) -> Ended {
    spawn(stage, pending()).await?;
    Ok(())
}

pub(super) async fn shut_down_in_cleanup(stage: &'static Stage) -> Ended {
    let pause = PAUSE.get_or_init(Pause::default);
    let over = Over(pause);
    tokio::spawn(async move {
        let _over = over;
        pending::<()>().await;
    });
    spawn(stage, ready(Ok(()))).await?;
    pause.begun.notified().await;
    Ok(())
}

pub(super) async fn process_exit(stage: &'static Stage) -> Ended {
    spawn(stage, pending()).await?;
    process::exit(3);
}

pub(super) async fn wait_for_ever(stage: &'static Stage) -> Ended {
    spawn(stage, pending()).await?;
    pending().await
}

/// A task that holds the resource, from then on, and does this.
async fn spawn(
    stage: &'static Stage,
    then: impl Future<Output = Ended> + Send + 'static,
) -> io::Result<JoinHandle<Ended>> {
    let (held, ready) = oneshot::channel();
    let task = tokio::spawn(hold_in_task(stage, work(held, then)));
    match ready.await {
        Ok(()) => Ok(task),
        Err(_) => Err(io::Error::other("the task did not come to hold the resource")),
    }
}

fn work(held: oneshot::Sender<()>, then: impl Future<Output = Ended> + Send + 'static) -> Work {
    Box::pin(async move {
        say(READY)?;
        // Not everybody waits for it.
        let _ = held.send(());
        then.await
    })
}

async fn join(task: JoinHandle<Ended>) -> Ended {
    // Its panic, or that it was aborted, is what the row is about.
    let ended = task.await.unwrap_or(Ok(()));
    settled().await?;
    ended
}

/// Who has a resource whose cleanup is `async`, or is in the middle of that.
static IN_USE: Semaphore = Semaphore::const_new(1);

/// Waits, as a program does that goes on, until nobody will do anything about the resource any more.
async fn settled() -> Ended {
    IN_USE.acquire().await.map(drop).map_err(io::Error::other)?;
    Ok(())
}

/// The mark of who has such a resource.
pub(super) fn in_use() -> io::Result<SemaphorePermit<'static>> {
    IN_USE.try_acquire().map_err(io::Error::other)
}

/// Where an `async` cleanup waits for the end of the runtime.
#[derive(Default)]
struct Pause {
    begun: Notify,
    over: Notify,
}

static PAUSE: OnceLock<Pause> = OnceLock::new();

/// Ends the pause when it is dropped, as the tasks of a runtime are that ends.
struct Over(&'static Pause);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.over.notify_one();
    }
}

/// What an `async` cleanup waits for, as for an answer to its goodbye.
pub(super) async fn pause() {
    match PAUSE.get() {
        Some(pause) => {
            pause.begun.notify_one();
            pause.over.notified().await;
        }
        None => yield_now().await,
    }
}
