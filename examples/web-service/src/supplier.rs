//! A supplier, whom the shop asks for prices: a server of its own, a line for a question and one for the
//! answer. It answers when it is told to, as others' servers do on a bad day.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::shop::Gauge;

/// Where to ask.
#[derive(Debug, Clone, Copy)]
pub struct Supplier(pub SocketAddr);

impl Supplier {
    /// Asks what an item costs.
    ///
    /// # Errors
    ///
    /// If there is no answer, or none that is a price.
    pub async fn price(self, item: String) -> io::Result<u32> {
        let mut stream = TcpStream::connect(self.0).await?;
        stream.write_all(format!("{item}\n").as_bytes()).await?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).await?;
        answer.trim().parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

/// Starts a supplier that answers as its desk says; it ends with the runtime.
///
/// # Errors
///
/// If there is no port to be had.
pub async fn start() -> io::Result<(Supplier, Desk)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let supplier = Supplier(listener.local_addr()?);
    let desk = Desk::default();
    let served = desk.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let desk = served.clone();
            tokio::spawn(async move { desk.serve(stream).await });
        }
    });
    Ok((supplier, desk))
}

/// Says when a supplier answers, and knows who waits.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    waiting: Gauge,
    answers: Arc<Mutex<Answers>>,
}

/// How many more answers there are to be, by item.
#[derive(Debug, Default)]
struct Answers {
    left: HashMap<String, Arc<Semaphore>>,
    /// From now on everybody gets one, after this time.
    all: Option<Duration>,
}

impl Desk {
    /// Answers one more question for an item.
    pub fn answer(&self, item: &str) {
        self.left(item).0.add_permits(1);
    }

    /// Answers all questions from now on, each after some time.
    pub fn answer_all(&self, after: Duration) {
        let mut answers = self.answers();
        answers.all = Some(after);
        answers.left.values().for_each(|left| left.close());
    }

    /// How many wait for an answer: conversations that neither side has ended.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.count()
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn left(&self, item: &str) -> (Arc<Semaphore>, Option<Duration>) {
        let mut answers = self.answers();
        let all = answers.all;
        let left = answers.left.entry(item.to_owned()).or_insert_with(|| {
            let left = Semaphore::new(0);
            if all.is_some() {
                left.close();
            }
            Arc::new(left)
        });
        (Arc::clone(left), all)
    }

    async fn serve(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        let mut item = String::new();
        if stream.read_line(&mut item).await.is_err() {
            return;
        }
        let _waiting = self.waiting.hold();
        let item = item.trim();
        let answer = async {
            if let Ok(permit) = self.left(item).0.acquire().await {
                permit.forget();
            }
            if let (_, Some(after)) = self.left(item) {
                sleep(after).await;
            }
        };
        tokio::select! {
            () = answer => {}
            // Nothing more is to come: the shop has hung up.
            _ = stream.read_u8() => return,
        }
        let _ = stream.write_all(format!("{}\n", item.len()).as_bytes()).await;
    }
}
