//! A shop: its database, its orders, and what it says of itself.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use backstop::scope::DeadlineExceeded;
use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};
use tokio::runtime::Handle;

use crate::supplier::Supplier;

/// How many connections to the database there are: opened at the start, and kept.
pub const CONNECTIONS: u32 = 20;

/// How long things may take, each within the ones before it.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// A request, from its first byte to its last.
    pub request: Duration,
    /// The work between the beginning of its transaction and the end of that.
    pub work: Duration,
    /// A statement, with the time for which it waits for other transactions.
    pub statement: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        let [request, work, statement] = [8, 5, 3].map(Duration::from_secs);
        Self { request, work, statement }
    }
}

/// What the handlers share.
#[derive(Debug)]
pub struct Shop {
    /// The connections to its database.
    pub pool: SqlitePool,
    /// Whom it asks for prices.
    pub supplier: Supplier,
    /// How long things may take.
    pub deadlines: Deadlines,
    in_progress: AtomicUsize,
    /// Requests whose handlers run, whatever those say.
    requests: Gauge,
    transactions: Gauge,
}

impl Shop {
    /// Opens the shop's database, which is made where it is missing.
    ///
    /// # Errors
    ///
    /// If that is impossible.
    pub async fn open(
        database: &Path,
        supplier: Supplier,
        deadlines: Deadlines,
    ) -> Result<Arc<Self>, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(database)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(deadlines.statement);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            // A file needs no test whether it is still there, and whoever goes away in the middle of the
            // test takes the connection along.
            .test_before_acquire(false)
            // Who waits for a connection waits no longer than the request may take.
            .acquire_timeout(deadlines.request * 2)
            .connect_with(options)
            .await?;
        for statement in [
            "CREATE TABLE IF NOT EXISTS stock (item TEXT PRIMARY KEY, amount INTEGER CHECK (amount >= 0))",
            "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, total INTEGER)",
            "INSERT OR IGNORE INTO stock VALUES ('paper', 1000000), ('ink', 1000000)",
        ] {
            sqlx::query(statement).execute(&pool).await?;
        }
        // All connections are opened before anybody comes, with all their files.
        let mut opened = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut connection = pool.acquire().await?;
            sqlx::query("SELECT count(*) FROM stock").execute(&mut *connection).await?;
            opened.push(connection);
        }
        drop(opened);
        let (in_progress, requests, transactions) = Default::default();
        Ok(Arc::new(Self { pool, supplier, deadlines, in_progress, requests, transactions }))
    }

    /// Counts an order as in progress.
    pub fn enter(&self) {
        self.in_progress.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes back one [`enter`](Self::enter).
    pub fn leave(&self) {
        self.in_progress.fetch_sub(1, Ordering::Relaxed);
    }

    /// Begins a transaction as soon as there is a connection. It locks nothing before it writes.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn begin(&self) -> Result<Order, Failure> {
        let transaction = self.pool.begin().await?;
        Ok(Order { transaction, _open: self.transactions.hold() })
    }
}

/// An order, in a transaction of its own.
pub struct Order {
    transaction: Transaction<'static, Sqlite>,
    _open: Held,
}

impl Order {
    /// Takes what a line asks for from the stock.
    ///
    /// # Errors
    ///
    /// [`Failure::OutOfStock`], and if the database fails.
    pub async fn reserve(&mut self, line: &Line) -> Result<(), Failure> {
        let statement = "UPDATE stock SET amount = amount - ?1 WHERE item = ?2 AND amount >= ?1";
        let query = sqlx::query(statement).bind(line.amount).bind(&line.item);
        match query.execute(&mut *self.transaction).await?.rows_affected() {
            0 => Err(Failure::OutOfStock(line.item.clone())),
            _ => Ok(()),
        }
    }

    /// Places the order, and gives its number. One that is not placed is rolled back when it is dropped, as
    /// sqlx does.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn commit(mut self, total: u32) -> Result<i64, Failure> {
        let query = sqlx::query("INSERT INTO orders (total) VALUES (?)").bind(total);
        let id = query.execute(&mut *self.transaction).await?.last_insert_rowid();
        self.transaction.commit().await?;
        Ok(id)
    }

    /// Gives everything back.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn rollback(self) -> Result<(), Failure> {
        self.transaction.rollback().await?;
        eprintln!("rolled back");
        Ok(())
    }
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What is ordered.
    pub item: String,
    /// How many of it.
    pub amount: u32,
}

impl Line {
    /// The lines of an order, such as `paper 2`.
    ///
    /// # Errors
    ///
    /// [`Failure::NotAnOrder`], with the line that is none.
    pub fn parse(text: &str) -> Result<Vec<Self>, Failure> {
        let line = |line: &str| {
            let (item, amount) = line.split_once(' ')?;
            let amount = amount.trim().parse().ok().filter(|amount| (1..1000).contains(amount))?;
            Some(Self { item: item.to_owned(), amount })
        };
        let mut lines = Vec::new();
        for text in text.lines() {
            lines.push(line(text).ok_or_else(|| Failure::NotAnOrder(text.to_owned()))?);
        }
        Ok(lines)
    }
}

/// Why an order was not placed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A line that cannot be read.
    #[error("`{0}` is no line of an order: write an item and its amount, as in `paper 2`")]
    NotAnOrder(String),
    /// The item of which there is not enough.
    #[error("there is not so much of `{0}`")]
    OutOfStock(String),
    /// What a deadline has ended.
    #[error("{0} took too long")]
    Late(&'static str),
    /// The supplier hung up, or said something else than a price.
    #[error("the supplier does not answer: {0}")]
    Supplier(#[from] std::io::Error),
    /// A task panicked.
    #[error("a task was lost: {0}")]
    Task(#[from] tokio::task::JoinError),
    /// The database failed.
    #[error("the database: {0}")]
    Database(sqlx::Error),
}

impl From<DeadlineExceeded> for Failure {
    fn from(_: DeadlineExceeded) -> Self {
        Self::Late("the work")
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(DatabaseError::code);
        match (&error, code.as_deref()) {
            (sqlx::Error::PoolTimedOut, _) => Self::Late("the request"),
            // SQLITE_BUSY: its own timeout, which is that of a statement.
            (_, Some("5")) => Self::Late("a statement"),
            _ => Self::Database(error),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NotAnOrder(_) => StatusCode::BAD_REQUEST,
            Self::OutOfStock(_) => StatusCode::CONFLICT,
            Self::Late(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Supplier(_) => StatusCode::BAD_GATEWAY,
            Self::Task(_) | Self::Database(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, format!("{self}\n")).into_response()
    }
}

/// The routes: `POST /orders`, which is `order`, and `GET /status`.
pub fn router(shop: Arc<Shop>, order: MethodRouter<Arc<Shop>>) -> Router {
    let counted = from_fn_with_state(Arc::clone(&shop), count);
    Router::new()
        .route("/orders", order.layer(counted))
        .route("/status", get(status))
        .with_state(shop)
}

async fn count(State(shop): State<Arc<Shop>>, request: Request, next: Next) -> Response {
    let _running = shop.requests.hold();
    next.run(request).await
}

/// What there is of everything, a line each.
async fn status(State(shop): State<Arc<Shop>>) -> String {
    // sqlx counts a connection as idle only after it may have gone to the next one: for moments there is one less
    // than none.
    let in_use = (shop.pool.size() as usize).wrapping_sub(shop.pool.num_idle());
    let mut text = String::new();
    for (name, number) in [
        ("requests", shop.requests.count()),
        ("in_progress", shop.in_progress.load(Ordering::Relaxed)),
        ("tasks", Handle::current().metrics().num_alive_tasks()),
        ("connections", in_use),
        ("transactions", shop.transactions.count()),
    ] {
        let _ = writeln!(text, "{name} {number}");
    }
    text
}

/// How many there are of something that is counted by its values.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<AtomicUsize>);

impl Gauge {
    /// Counts one more until what is returned is dropped.
    #[must_use]
    pub fn hold(&self) -> Held {
        self.0.fetch_add(1, Ordering::Relaxed);
        Held(self.clone())
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// One that a [`Gauge`] counts.
#[derive(Debug)]
pub struct Held(Gauge);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
