//! Takes messages from a log, exactly once each, whatever ends it in between.
//!
//! ```text
//! cargo run --example consumer -- DIR ["NAME AMOUNT PEOPLE"]..
//! ```
//!
//! A message is a bill that a group shares. Those of the command line are added to `DIR/log`; then each
//! that is not done yet becomes a booking in `DIR/bookings`, or after three attempts that failed a record
//! in `DIR/dead`. Send it SIGTERM, or `kill -9` it, and start it again.
//!
//! Two things make it exactly once:
//!
//! * The **offset** is committed by a cleanup `on = success`: behind the booking, and not after an error,
//!   a panic, or where the future was dropped. So nothing is lost. But a kill may come between the booking
//!   and the commit, and then the message is taken again: by itself this is *at least* once.
//! * A **booking carries the number** of its message, in the one record that is there as a whole or not at
//!   all. Who takes a message again sees that it is booked. So nothing is doubled. An effect that cannot be
//!   looked at afterwards, such as a mail that was sent, has no such second half.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use backstop::scope::{ChildError, DeadlineExceeded};
use backstop::{cancel_token, defer, must_cleanup, scoped_spawn};
use backstop_examples::records::{Record, Records, read};
use rustix::fs::{FlockOperation, flock};
use tokio::task::yield_now;

/// How often a message is taken that fails.
const ATTEMPTS: usize = 3;

#[backstop::main(grace = "5s", flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let directory = PathBuf::from(arguments.next().ok_or("usage: consumer DIR [MESSAGE]..")?);
    fs::create_dir_all(&directory)?;
    let books = Books::open(&directory)?;
    let log = Records::open(&directory.join("log"))?;
    for (text, number) in arguments.zip(log.last() + 1..) {
        log.append(number, &text.to_string_lossy())?;
    }
    let asked_to_end = cancel_token();
    for message in read(&directory.join("log"))? {
        let message = message?;
        if message.number <= books.offset.last() {
            continue;
        }
        // SIGTERM drops the future where it waits. Its message is taken again at the next start.
        let Ok(settled) = asked_to_end.run(settle(&books, &message)).await else { break };
        settled?;
        // A cleanup that fails is told on stderr, and fails nothing by itself.
        if books.offset.last() < message.number {
            return Err("the offset cannot be committed".into());
        }
    }
    Ok(())
}

struct Books {
    bookings: Records,
    dead: Records,
    offset: Records,
}

impl Books {
    fn open(directory: &Path) -> io::Result<Self> {
        let offset = Records::open(&directory.join("offset"))?;
        // Two consumers would not know of each other's bookings. The kernel takes the lock back.
        flock(offset.file(), FlockOperation::NonBlockingLockExclusive)?;
        let bookings = Records::open(&directory.join("bookings"))?;
        Ok(Self { bookings, dead: Records::open(&directory.join("dead"))?, offset })
    }
}

/// Takes a message until it is booked, or for the last time. A start counts anew: a kill is not to be held
/// against the message that it hit.
async fn settle(books: &Books, message: &Record) -> io::Result<()> {
    let mut attempts = 0;
    loop {
        let failed = match attempt(books, message).await {
            Ok(()) => return Ok(()),
            // A full disk is no fault of the message.
            Err(Failed::Io(error)) => return Err(error),
            Err(failed) => failed,
        };
        attempts += 1;
        eprintln!("attempt {attempts} at message {} failed: {failed}", message.number);
        if attempts == ATTEMPTS {
            return put_aside(books, message, &failed);
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("`{0}` is not NAME AMOUNT PEOPLE")]
    Malformed(String),
    #[error(transparent)]
    Panicked(#[from] ChildError),
    #[error(transparent)]
    Late(#[from] DeadlineExceeded),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// One attempt: its panic is an error here, and past its deadline it is dropped.
#[scoped_spawn(local, deadline = "1s")]
async fn attempt(books: &Books, message: &Record) -> Result<(), Failed> {
    tokio::spawn(book(books, message)).await?
}

#[must_cleanup]
async fn book(books: &Books, message: &Record) -> Result<(), Failed> {
    // On each of the ways out that are a success, of which there are two, and on no other. (It blocks the
    // thread until it is on the disk. Here nobody else is on that.)
    defer!(on = success, books.offset.append(message.number, ""));

    // Killed between the two, the process before this one has left the record without the offset.
    let settled = books.bookings.last().max(books.dead.last());
    if message.number <= settled {
        return Ok(());
    }
    println!("taken {}: {}", message.number, message.text);
    let (name, share) = split(&message.text).await?;
    books.bookings.append(message.number, &format!("{name} {share}"))?;
    println!("booked {}: {name} {share}", message.number);
    Ok(())
}

/// A message that cannot be booked is settled, too.
#[must_cleanup]
fn put_aside(books: &Books, message: &Record, why: &Failed) -> io::Result<()> {
    defer!(on = success, books.offset.append(message.number, ""));
    books.dead.append(message.number, &format!("{}: {why}", message.text))
}

/// Asks everybody who shares the bill, and gives the share.
async fn split(bill: &str) -> Result<(&str, u64), Failed> {
    let malformed = || Failed::Malformed(bill.to_owned());
    let words: Vec<&str> = bill.split(' ').collect();
    let [name, amount, people] = words[..] else { return Err(malformed()) };
    let amount: u64 = amount.parse().map_err(|_| malformed())?;
    let people: u64 = people.parse().map_err(|_| malformed())?;
    for _ in 0..people {
        yield_now().await;
    }
    // Nobody to share it is a case that this forgets: it panics.
    Ok((name, amount / people))
}
