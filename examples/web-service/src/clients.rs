//! The service as a process, and its clients.

use std::cell::Cell;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, BufRead as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::supplier::Supplier;

/// How long anything is waited for before it is said not to come.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A service in a process of its own, which is killed at the latest when this is dropped.
pub struct Server {
    process: Child,
    address: SocketAddr,
    database: PathBuf,
    /// The connection for questions about the status: the same for all, so that it is in every count.
    status: Mutex<Option<TcpStream>>,
}

impl Server {
    /// Starts the service, and waits until it listens.
    ///
    /// # Errors
    ///
    /// If it does not come to that.
    pub fn start(
        program: &OsStr,
        supplier: Supplier,
        database: &Path,
        options: &[&str],
        stderr: Stdio,
    ) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(["--supplier", &supplier.0.to_string(), "--database"]).arg(database);
        let mut process = command.args(options).stdout(Stdio::piped()).stderr(stderr).spawn()?;
        let mut line = String::new();
        let said = process.stdout.take().map(|out| io::BufReader::new(out).read_line(&mut line));
        let address = line.split_once("http://").and_then(|(_, rest)| {
            let (address, _) = rest.split_once(';')?;
            address.parse().ok()
        });
        match (said, address) {
            (Some(Ok(_)), Some(address)) => Ok(Self {
                process,
                address,
                database: database.to_owned(),
                status: Mutex::default(),
            }),
            _ => {
                let _ = process.kill();
                let _ = process.wait();
                Err(io::Error::other(format!("the service does not say where it is: {line:?}")))
            }
        }
    }

    /// The process.
    pub fn process(&mut self) -> &mut Child {
        &mut self.process
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A request, sent and not answered yet.
    ///
    /// # Errors
    ///
    /// If the service does not listen.
    pub async fn send(&self, request: &str, body: &str) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(self.address).await?;
        let length = body.len();
        let head = format!("{request} HTTP/1.1\r\nhost: shop\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).await?;
        Ok(stream)
    }

    /// A request and its answer: the status code and the body.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub async fn ask(&self, request: &str, body: &str) -> io::Result<(u16, String)> {
        answer(&mut self.send(request, body).await?).await
    }

    /// What there is in the service, by its own status page and by the system.
    ///
    /// # Errors
    ///
    /// If it does not answer.
    pub async fn counts(&self) -> io::Result<Counts> {
        let mut status = self.status.lock().await;
        let stream = match &mut *status {
            Some(stream) => stream,
            none => none.insert(TcpStream::connect(self.address).await?),
        };
        stream.write_all(b"GET /status HTTP/1.1\r\nhost: shop\r\n\r\n").await?;
        let (_, text) = answer(stream).await?;
        let numbers: HashMap<&str, usize> = text
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter_map(|(name, number)| Some((name, number.parse().ok()?)))
            .collect();
        let number = |name: &str| {
            let missing = || io::Error::other(format!("no `{name}` in {text:?}"));
            numbers.get(name).copied().ok_or_else(missing)
        };
        Ok(Counts {
            requests: number("requests")?,
            in_progress: number("in_progress")?,
            tasks: number("tasks")?,
            descriptors: std::fs::read_dir(format!("/proc/{}/fd", self.process.id()))?.count(),
            connections: number("connections")?,
            transactions: number("transactions")?,
        })
    }

    /// Waits until the counts are as wanted.
    ///
    /// # Errors
    ///
    /// If it does not come to that, and if the service does not answer.
    pub async fn wait(&self, wanted: impl Fn(&Counts) -> bool) -> io::Result<Counts> {
        let begun = Instant::now();
        loop {
            let counts = self.counts().await?;
            if wanted(&counts) {
                return Ok(counts);
            }
            if begun.elapsed() > PATIENCE {
                let last =
                    format!("waited for {PATIENCE:?} in vain, and there is still {counts:?}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, last));
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Has a client go away in the middle of its order. With the first cleanup that is handed over, the
    /// runtime of the cleanups opens descriptors, which are no order's and stay.
    ///
    /// # Errors
    ///
    /// If the order is not begun or not given up, and if the service does not answer.
    pub async fn lose_a_client(&self) -> io::Result<()> {
        let client = self.send("POST /orders", "paper 1").await?;
        self.wait(|it| it.transactions == 1).await?;
        drop(client);
        self.wait(|it| it.requests == 0 && it.transactions == 0).await?;
        Ok(())
    }

    /// What there is while nothing happens: the same several times.
    ///
    /// # Errors
    ///
    /// If something goes on happening, and if the service does not answer.
    pub async fn idle(&self) -> io::Result<Counts> {
        let last = Cell::new(None);
        let times = Cell::new(0);
        self.wait(|it| {
            let same = last.replace(Some(*it)) == Some(*it) && it.connections == 0;
            times.set(if same { times.get() + 1 } else { 0 });
            times.get() == 5
        })
        .await
    }

    /// Takes the write lock of the database, which is free again when the connection is dropped; `None`
    /// where somebody else has it.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn write_lock(&self) -> sqlx::Result<Option<SqliteConnection>> {
        let mut connection = self.connect(Duration::ZERO).await?;
        match sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await {
            Ok(_) => Ok(Some(connection)),
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("5") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Waits until somebody has the write lock.
    ///
    /// # Errors
    ///
    /// If nobody takes it, and if the database fails.
    pub async fn wait_for_lock(&self) -> sqlx::Result<()> {
        let begun = Instant::now();
        while self.write_lock().await?.is_some() {
            if begun.elapsed() > PATIENCE {
                return Err(sqlx::Error::Protocol("nobody takes the write lock".to_owned()));
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// The only number that a query gives.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn number(&self, query: &str) -> sqlx::Result<i64> {
        // The last connection of all locks the database once more while it is being closed.
        let mut connection = self.connect(PATIENCE).await?;
        sqlx::query(query).fetch_one(&mut connection).await?.try_get(0)
    }

    /// A connection of one's own, which waits for locks as long as this.
    async fn connect(&self, timeout: Duration) -> sqlx::Result<SqliteConnection> {
        let options = SqliteConnectOptions::new().filename(&self.database);
        SqliteConnection::connect_with(&options.busy_timeout(timeout)).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The status code and the body of an answer.
///
/// # Errors
///
/// If there is none.
pub async fn answer(stream: &mut TcpStream) -> io::Result<(u16, String)> {
    let mut lines = BufReader::new(stream).lines();
    let mut head = Vec::new();
    while let Some(line) = lines.next_line().await?.filter(|line| !line.is_empty()) {
        head.push(line);
    }
    let no_answer = || io::Error::other(format!("no answer: {head:?}"));
    let code = head.first().and_then(|line| line.get(9..12)?.parse().ok());
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let (code, length) = code.zip(length).ok_or_else(no_answer)?;
    let mut body = vec![0; length];
    lines.get_mut().read_exact(&mut body).await?;
    Ok((code, String::from_utf8_lossy(&body).into_owned()))
}

/// What there is in a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Requests for orders whose handlers run.
    pub requests: usize,
    /// Orders in progress, as the service counts them.
    pub in_progress: usize,
    /// Tasks of the runtime.
    pub tasks: usize,
    /// Open files of the process.
    pub descriptors: usize,
    /// Connections of the pool that somebody has.
    pub connections: usize,
    /// Transactions that were begun and not ended.
    pub transactions: usize,
}
