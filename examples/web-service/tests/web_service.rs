//! The example `web_service` as a process, with clients that come and go.
#![cfg(target_os = "linux")]

#[path = "../../tests/support/mod.rs"]
mod support;

use std::fs;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use backstop_web_service::clients::{Counts, PATIENCE, Server, answer};
use backstop_web_service::demo::{CLIENTS, disconnect};
use backstop_web_service::shop::CONNECTIONS;
use backstop_web_service::supplier::{self, Desk};
use rustix::process::{Pid, Signal, kill_process};
use support::example;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// No deadline passes while a test runs.
const PATIENT: &str = "600000,600000,600000";

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

/// A service with a supplier that answers as the desk says.
struct Shop {
    server: Server,
    desk: Desk,
    idle: Counts,
    _place: TempDir,
}

impl Shop {
    async fn open(deadlines: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let (supplier, desk) = supplier::start().await.unwrap();
        let program = example("web_service");
        let options = ["--deadlines", deadlines];
        let database = place.path().join("shop.db");
        let server =
            Server::start(program.get_program(), supplier, &database, &options, Stdio::piped())
                .unwrap();
        server.lose_a_client().await.unwrap();
        let idle = server.idle().await.unwrap();
        Self { server, desk, idle, _place: place }
    }

    /// Sends orders, and waits until each has asked the supplier.
    async fn send(&self, orders: usize) -> Vec<TcpStream> {
        let mut sent = Vec::new();
        for _ in 0..orders {
            sent.push(self.server.send("POST /orders", "paper 3").await.unwrap());
        }
        let here = |it: &Counts| (it.requests, it.transactions) == (orders, orders);
        self.server.wait(|it| here(it) && self.desk.waiting() == orders).await.unwrap();
        sent
    }

    async fn order(&self, body: &str) -> (u16, String) {
        self.server.ask("POST /orders", body).await.unwrap()
    }

    /// Nothing is left of what was begun, and the database is as it was but for these orders of paper.
    async fn assert_only(&self, placed: &[i64]) {
        let ends = self.server.wait(|it| *it == self.idle).await;
        ends.unwrap_or_else(|error| panic!("{error}, where there was {:?}", self.idle));
        assert_eq!(self.desk.waiting(), 0);
        assert!(self.server.write_lock().await.unwrap().is_some());
        self.assert_stored(placed).await;
    }

    async fn assert_stored(&self, placed: &[i64]) {
        let orders = self.server.number("SELECT count(*) FROM orders").await.unwrap();
        assert_eq!(usize::try_from(orders).unwrap(), placed.len());
        let stock = "SELECT 1000000 - amount FROM stock WHERE item = 'paper'";
        assert_eq!(self.server.number(stock).await.unwrap(), placed.iter().sum::<i64>());
    }

    fn signal(&mut self) {
        let pid = Pid::from_raw(self.server.process().id().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    /// Waits until nobody can connect any more: the signal has been heard.
    async fn wait_until_closed(&self) {
        let begun = Instant::now();
        while TcpStream::connect(self.server.address()).await.is_ok() {
            assert!(begun.elapsed() < PATIENCE, "the service takes requests after SIGTERM");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// The exit status, and what was said on stderr.
    fn ended(&mut self) -> (ExitStatus, String) {
        let mut stderr = String::new();
        let process = self.server.process();
        process.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        // The order of the client that was lost first.
        let rest = stderr.strip_prefix("rolled back\n").unwrap_or_else(|| panic!("{stderr}"));
        (process.wait().unwrap(), rest.to_owned())
    }
}

#[test]
fn five_hundred_clients_that_go_away_leave_nothing_behind() {
    let found = run(disconnect(example("web_service").get_program(), false))
        .unwrap_or_else(|e| panic!("{e}"));
    let Counts { requests, in_progress, tasks, connections, transactions, .. } = found.during;
    let open = CONNECTIONS as usize;
    assert_eq!((requests, in_progress), (CLIENTS, CLIENTS));
    assert_eq!((connections, transactions), (open, open));
    // One for each client, and one for each line of which the price is not known.
    assert_eq!(tasks, found.before.tasks + CLIENTS + 2 * open - 1);
    // All of it: requests, orders, tasks, descriptors, connections, transactions.
    assert_eq!(found.after, found.before);
    assert_eq!((found.before.connections, found.before.transactions), (0, 0));
    // A connection that came free may have gone to a client that had not been missed yet.
    assert!(found.rolled_back >= open, "{}", found.rolled_back);
    assert!(!found.locked);
    assert_eq!(found.placed, 0);
}

#[test]
fn in_plain_tokio_they_leave_everything_that_they_had_begun() {
    let found = run(disconnect(example("web_service").get_program(), true))
        .unwrap_or_else(|e| panic!("{e}"));
    let open = CONNECTIONS as usize;
    let left = Counts {
        requests: 0,
        in_progress: CLIENTS,
        tasks: found.before.tasks + CLIENTS + 2 * open - 1,
        descriptors: found.before.descriptors + 2 * open - 1,
        connections: open,
        transactions: open,
    };
    assert_eq!(found.after, left);
    assert_eq!(found.rolled_back, 0);
    assert!(found.locked);
    assert_eq!(usize::try_from(found.placed).unwrap(), CLIENTS);
}

#[test]
fn the_readme_shows_what_the_demonstration_prints() {
    let output = example("web_service").arg("demo").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let shown = format!("```text\n{printed}```");
    assert!(fs::read_to_string(path).unwrap().contains(&shown), "not in the README:\n{shown}");
}

#[test]
fn orders_side_by_side_are_placed() {
    run(async {
        let shop = Shop::open(PATIENT).await;
        shop.desk.answer_all(Duration::ZERO);
        let mut sent = Vec::new();
        for _ in 0..50 {
            sent.push(shop.server.send("POST /orders", "paper 2\nink 1\n").await.unwrap());
        }
        for mut stream in sent {
            let (code, text) = answer(&mut stream).await.unwrap();
            assert_eq!(code, 200, "{text}");
            assert!(text.ends_with(": 13\n"), "two of paper at 5, ink at 3: {text}");
        }
        shop.assert_only(&[2; 50]).await;
    });
}

#[test]
fn an_order_that_fails_is_rolled_back() {
    run(async {
        let shop = Shop::open(PATIENT).await;
        shop.desk.answer_all(Duration::ZERO);
        let (code, text) = shop.order("paper two").await;
        assert_eq!(code, 400);
        assert!(text.starts_with("`paper two` is no line of an order"), "{text}");
        let (code, text) = shop.order("paper 1\nstars 1").await;
        assert_eq!((code, text.as_str()), (409, "there is not so much of `stars`\n"));
        shop.assert_only(&[]).await;
        assert_eq!(shop.order("paper 1").await.0, 200);
        shop.assert_only(&[1]).await;
    });
}

#[test]
fn a_line_that_fails_aborts_the_tasks_of_the_others() {
    run(async {
        // Far away, and yet near enough to tell of a failure.
        let shop = Shop::open("60000,60000,60000").await;
        // Nobody will ever say what ink costs.
        shop.desk.answer("stars");
        assert_eq!(shop.order("stars 1\nink 1").await.0, 409);
        shop.assert_only(&[]).await;
    });
}

#[test]
fn the_earliest_deadline_of_the_ladder_ends_an_order() {
    run(async {
        // By default: 8 s, 5 s, 3 s.
        let shop = Shop::open("8000,5000,3000").await;
        let begun = Instant::now();
        let late = shop.order("ink 1\npaper 1").await;
        assert_eq!(late, (504, "the work took too long\n".to_owned()));
        assert!(begun.elapsed() >= Duration::from_secs(5));
        shop.assert_only(&[]).await;

        let lock = shop.server.write_lock().await.unwrap().unwrap();
        shop.desk.answer_all(Duration::ZERO);
        let begun = Instant::now();
        assert_eq!(shop.order("paper 1").await, (504, "a statement took too long\n".to_owned()));
        assert!(begun.elapsed() >= Duration::from_millis(2900));
        drop(lock);
        shop.assert_only(&[]).await;

        // Those inside are never later than the one around them.
        let shop = Shop::open("200,5000,3000").await;
        assert_eq!(shop.order("paper 1").await, (504, "the request took too long\n".to_owned()));
        shop.assert_only(&[]).await;
    });
}

#[test]
fn orders_in_progress_end_well_after_sigterm() {
    run(async {
        let mut shop = Shop::open(PATIENT).await;
        let sent = shop.send(5).await;
        shop.signal();
        shop.wait_until_closed().await;
        shop.desk.answer_all(Duration::ZERO);
        for mut stream in sent {
            let (code, text) = answer(&mut stream).await.unwrap();
            assert_eq!(code, 200, "{text}");
        }
        let (status, stderr) = shop.ended();
        assert_eq!(status.code(), Some(0), "{stderr}");
        assert_eq!(stderr, "");
        shop.assert_stored(&[3; 5]).await;
    });
}

#[test]
fn a_second_sigterm_rolls_back_what_is_in_progress_and_is_the_exit_status() {
    run(async {
        let mut shop = Shop::open(PATIENT).await;
        let _sent = shop.send(5).await;
        shop.signal();
        shop.wait_until_closed().await;
        shop.signal();
        let (status, stderr) = shop.ended();
        assert_eq!(status.signal(), Some(Signal::TERM.as_raw()), "{stderr}");
        let told = "backstop: ended by force, ";
        assert!(stderr.starts_with(&("rolled back\n".repeat(5) + told)), "{stderr}");
        shop.assert_stored(&[]).await;
    });
}

#[test]
fn a_wrong_command_line_is_told_apart() {
    for (arguments, expected) in [
        (&["--deadlines", "8,5"][..], "`8,5` is no value for `--deadlines`"),
        (&["--delay", "long"], "long"),
        (&["demonstration"], "demonstration"),
    ] {
        let output = example("web_service").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.starts_with("error: ") && stderr.contains(expected), "{stderr}");
    }
    let output = example("web_service").arg("--help").output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("Usage: web_service [OPTIONS]"));
}
