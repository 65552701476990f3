//! Row C10 of docs/pitfalls.md: a client that has gone. One test, so that nobody else opens descriptors
//! meanwhile.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use backstop::scope::DeadlineExceeded;
use backstop::{cancel_token, drain, must_cleanup, scoped_spawn};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

const CLIENTS: usize = 50;

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    TooLate(#[from] DeadlineExceeded),
}

/// What handlers have to give back.
#[derive(Clone, Default)]
struct Locks(Arc<AtomicUsize>);

impl Locks {
    fn take(&self) -> Self {
        self.0.fetch_add(1, Ordering::Relaxed);
        self.clone()
    }

    async fn give_back(self) {
        tokio::task::yield_now().await;
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Sends more than any buffer takes: a client that does not read makes it wait.
async fn send(stream: &mut TcpStream) -> io::Result<()> {
    let chunk = vec![7; 1 << 20];
    loop {
        stream.write_all(&chunk).await?;
    }
}

/// A handler whose client does not read: it may take so long, and not longer.
#[must_cleanup]
#[scoped_spawn(deadline = "300ms")]
async fn stuck(mut stream: TcpStream, locks: Locks, begun: mpsc::Sender<()>) -> Result<(), Error> {
    #[cleanup(async { lock.give_back().await })]
    let lock = locks.take();
    let _ = begun.send(()).await;
    send(&mut stream).await?;
    Ok(())
}

/// A handler that works for ever for its client, and looks whether that is still there.
#[must_cleanup]
async fn left(stream: TcpStream, locks: Locks, begun: mpsc::Sender<()>) -> Result<(), Error> {
    #[cleanup(async { lock.give_back().await })]
    let lock = locks.take();
    let _ = begun.send(()).await;
    works_while_connected(stream).await?;
    Ok(())
}

#[scoped_spawn]
async fn works_while_connected(mut stream: TcpStream) -> io::Result<()> {
    let request = cancel_token();
    tokio::spawn(async move {
        // The end of what it sends.
        let gone = stream.read(&mut [0; 16]).await;
        request.cancel();
        gone.map(drop)
    });
    let works = cancel_token().run(std::future::pending::<()>());
    let _ = works.await;
    Ok(())
}

/// The same handler with nothing but tokio.
async fn plain(mut stream: TcpStream, locks: Locks, begun: mpsc::Sender<()>) -> Result<(), Error> {
    let lock = locks.take();
    let _ = begun.send(()).await;
    send(&mut stream).await?;
    lock.give_back().await;
    Ok(())
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Serves so many clients, and lets them go once every handler has begun, or keeps them.
async fn serve<F, H>(
    handler: H,
    locks: &Locks,
    goes: bool,
) -> (Vec<JoinHandle<Result<(), Error>>>, Vec<TcpStream>)
where
    H: Fn(TcpStream, Locks, mpsc::Sender<()>) -> F,
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (begun, mut begins) = mpsc::channel(CLIENTS);
    let (mut handlers, mut clients) = (Vec::new(), Vec::new());
    for _ in 0..CLIENTS {
        clients.push(TcpStream::connect(address).await.unwrap());
        let (stream, _) = listener.accept().await.unwrap();
        handlers.push(tokio::spawn(handler(stream, locks.clone(), begun.clone())));
    }
    for _ in 0..CLIENTS {
        begins.recv().await.unwrap();
    }
    if goes {
        clients.clear();
    }
    (handlers, clients)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn c10_handlers_of_clients_that_have_gone_end_and_leave_no_descriptor() {
    let locks = Locks::default();
    let held = || locks.0.load(Ordering::Relaxed);
    let mut before = 0;
    // The first time, the runtimes open what is their own: that of the test, and that of the cleanups.
    for _ in 0..2 {
        let (handlers, clients) = serve(stuck, &locks, false).await;
        for handler in handlers {
            assert!(matches!(handler.await.unwrap(), Err(Error::TooLate(_))));
        }
        drain().await;
        assert_eq!(held(), 0);
        let now = descriptors() - clients.len();
        assert!(before == 0 || now == before, "{before} before, {now} now");
        before = now;
    }

    let (handlers, _) = serve(left, &locks, true).await;
    for handler in handlers {
        handler.await.unwrap().expect("it was left, and is done");
    }
    drain().await;
    assert_eq!((held(), descriptors()), (0, before));

    // The control: nobody tells the handlers, and each holds its descriptor, whatever time goes by.
    let (handlers, clients) = serve(plain, &locks, false).await;
    assert!(
        tokio::time::timeout(Duration::from_millis(300), futures::future::select_all(handlers))
            .await
            .is_err()
    );
    assert_eq!((held(), descriptors()), (CLIENTS, before + 2 * clients.len()));
}
