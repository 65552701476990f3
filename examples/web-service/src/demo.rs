//! What 500 clients leave behind that go away in the middle of their orders.

use std::error::Error;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::clients::{Counts, Server};
use crate::options::print;
use crate::shop::CONNECTIONS;
use crate::supplier;

/// How many clients come and go.
pub const CLIENTS: usize = 500;

/// What was found.
#[derive(Debug)]
pub struct Findings {
    /// Before the clients came.
    pub before: Counts,
    /// With all requests in the middle.
    pub during: Counts,
    /// After all clients had gone.
    pub after: Counts,
    /// How many transactions the service says to have rolled back.
    pub rolled_back: usize,
    /// Whether a writer finds the database locked then.
    pub locked: bool,
    /// Orders that were placed all the same, once the supplier answered.
    pub placed: i64,
}

/// Lets the clients come and go.
///
/// # Errors
///
/// If anything fails that has nothing to do with their going.
pub async fn disconnect(program: &OsStr, plain: bool) -> Result<Findings, Box<dyn Error>> {
    let place = tempfile::tempdir()?;
    let (supplier, desk) = supplier::start().await?;
    // Deadlines are to play no part: they would only limit how long it takes.
    let mut options = vec!["--deadlines", "600000,600000,600000"];
    options.extend(plain.then_some("--plain"));
    let database = place.path().join("shop.db");
    let log = place.path().join("log");
    let stderr = Stdio::from(File::create(&log)?);
    let server = Server::start(program, supplier, &database, &options, stderr)?;

    if !plain {
        server.lose_a_client().await?;
    }
    let before = server.idle().await?;
    let rolled_back_before = rolled_back(&log)?;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(server.send("POST /orders", "paper 1\nink 1").await?);
    }
    // As many as there are connections have asked for both lines, the others wait for a connection.
    let (orders, open) = (CLIENTS, CONNECTIONS as usize);
    let here = |it: &Counts| it.requests == orders && it.transactions == open;
    server.wait(|it| here(it) && desk.waiting() == 2 * open).await?;
    // One goes on, takes its paper from the stock, and waits for the price of ink.
    desk.answer("paper");
    server.wait(|_| desk.waiting() == 2 * open - 1).await?;
    server.wait_for_lock().await?;
    let during = server.counts().await?;
    if !here(&during) {
        return Err(format!("not all are in the middle of their orders: {during:?}").into());
    }

    drop(clients);
    // In plain tokio the end of the handlers is all that comes of itself, and of their connections.
    let left = if plain { (orders + 2 * open - 1, 2 * open - 1) } else { (0, 0) };
    let after = server
        .wait(|it| {
            let (tasks, descriptors) = (before.tasks + left.0, before.descriptors + left.1);
            let gone = it.requests == 0 && it.tasks == tasks && it.descriptors == descriptors;
            gone && (plain || it.transactions == 0 && it.connections == 0)
        })
        .await?;
    let locked = server.write_lock().await?.is_none();
    let rolled_back = rolled_back(&log)? - rolled_back_before;

    desk.answer_all(Duration::ZERO);
    server.wait(|it| it.tasks == before.tasks).await?;
    let placed = server.number("SELECT count(*) FROM orders").await?;
    Ok(Findings { before, during, after, rolled_back, locked, placed })
}

/// How many transactions the service says to have rolled back by now.
fn rolled_back(log: &Path) -> io::Result<usize> {
    Ok(fs::read_to_string(log)?.lines().filter(|line| *line == "rolled back").count())
}

/// Shows both services side by side.
///
/// # Errors
///
/// As [`disconnect`].
pub async fn run() -> Result<(), Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let plain = disconnect(program.as_os_str(), true).await?;
    let backstop = disconnect(program.as_os_str(), false).await?;
    print(&table(&plain, &backstop));
    Ok(())
}

/// The findings as a table.
#[must_use]
pub fn table(plain: &Findings, backstop: &Findings) -> String {
    let mut text =
        format!("left of {CLIENTS} orders whose clients went away       plain tokio  backstop\n");
    let mut row = |name: &str, cell: &dyn Fn(&Findings) -> String| {
        let (plain, backstop) = (cell(plain), cell(backstop));
        let _ = writeln!(text, "  {name:<46}{plain:>13}{backstop:>10}");
    };
    // Fewer than before are as wrong as more, and not to be hidden.
    let more = |now: usize, before: usize| match now.checked_sub(before) {
        Some(more) => more.to_string(),
        None => format!("-{}", before - now),
    };
    row("counted as in progress", &|it| it.after.in_progress.to_string());
    row("tasks", &|it| more(it.after.tasks, it.before.tasks));
    row("descriptors", &|it| more(it.after.descriptors, it.before.descriptors));
    row(&format!("connections in use, of {CONNECTIONS}"), &|it| it.after.connections.to_string());
    row("open transactions", &|it| it.after.transactions.to_string());
    row("write lock of the database", &|it| (if it.locked { "held" } else { "free" }).to_owned());
    row("placed for nobody, once the supplier answers", &|it| it.placed.to_string());
    text
}
