//! `consumer` under kills: each message is settled exactly once, whatever ends the process in between.
#![cfg(unix)]

mod support;

use std::env;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use backstop_examples::records::{Record, Records, read};
use fastrand::Rng;
use rustix::process::{Pid, Signal, getpid, kill_process};
use tempfile::TempDir;

/// Nobody ever gets through asking so many people.
const ENDLESS: &str = "dave 8 18446744073709551615";

/// A directory for one test.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program, to be run here with these new messages.
    fn consumer(&self, messages: &[&str]) -> Command {
        let mut command = support::example("consumer");
        command.arg(self.0.path()).args(messages);
        command
    }

    fn run(&self, messages: &[&str]) -> Output {
        self.consumer(messages).output().unwrap()
    }

    /// Runs it where no file may be longer than so many blocks.
    fn run_with_short_files(&self, blocks: u8) -> Output {
        let consumer = self.consumer(&[]);
        let script = format!("ulimit -f {blocks}; trap '' XFSZ; exec \"$@\"");
        let mut limited = Command::new("sh");
        limited.args(["-c", &script, "sh"]).arg(consumer.get_program()).args(consumer.get_args());
        limited.output().unwrap()
    }

    fn start(&self, messages: &[&str]) -> Running {
        let mut command = self.consumer(messages);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Running { child, lines }
    }

    /// The records of a file, each with its number.
    #[track_caller]
    fn records(&self, name: &str) -> Vec<(u64, String)> {
        let records = read(&self.path(name)).unwrap().map(Result::unwrap);
        records.map(|Record { number, text }| (number, text)).collect()
    }

    #[track_caller]
    fn assert_records(&self, name: &str, expected: &[(u64, &str)]) {
        let records = self.records(name);
        let records: Vec<(u64, &str)> = records.iter().map(|(n, text)| (*n, &**text)).collect();
        assert_eq!(records, expected, "{name}");
    }

    fn last(&self, name: &str) -> u64 {
        self.records(name).last().map_or(0, |(number, _)| *number)
    }

    /// Cuts the last record off, or this many bytes of it.
    fn cut(&self, name: &str, bytes: impl FnOnce(u64) -> u64) {
        let contents = fs::read(self.path(name)).unwrap();
        let before = contents.split_inclusive(|byte| *byte == b'\n').next_back().unwrap();
        let length = contents.len() as u64 - bytes(before.len() as u64);
        File::options().write(true).open(self.path(name)).unwrap().set_len(length).unwrap();
    }
}

struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    /// Waits until it has said so much, or has ended.
    fn wait_for_lines(&mut self, count: usize) {
        let _ = self.lines.by_ref().lines().take(count).count();
    }

    #[track_caller]
    fn wait_for(&mut self, what: &str) {
        assert!(self.lines.by_ref().lines().any(|line| line.unwrap().starts_with(what)));
    }

    fn signal(&self, signal: Signal) {
        let number = i32::try_from(self.child.id()).unwrap();
        // It is not waited for yet, so that the number is its own.
        kill_process(Pid::from_raw(number).unwrap(), signal).unwrap();
    }
}

#[track_caller]
fn assert_success(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn share(bill: &str) -> String {
    let words: Vec<&str> = bill.split(' ').collect();
    let [amount, people] = [words[1], words[2]].map(|number| number.parse::<u64>().unwrap());
    format!("{} {}", words[0], amount / people)
}

/// Does nothing, and is not off the processor meanwhile: what it waits for is any instant.
fn stay_busy(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

#[test]
fn killed_at_random_instants_it_books_each_message_exactly_once_and_in_order() {
    const KILLS: usize = 50;
    const REQUESTS: usize = 10;
    let seed = env::var("BACKSTOP_SEED").map_or(4711, |seed| seed.parse().unwrap());
    let place = Place::new();
    let mut random = Rng::with_seed(seed);
    let (mut kills, mut requests, mut between) = (0, 0, 0);
    let deadline = Instant::now() + Duration::from_secs(180);
    while kills < KILLS || requests < REQUESTS {
        assert!(Instant::now() < deadline, "seed {seed}: {kills} kills and {requests} requests");
        let messages: Vec<String> =
            (0..4).map(|_| format!("{} {} 3", random.alphabetic(), random.u16(..))).collect();
        let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
        let mut running = place.start(&messages);
        running.wait_for_lines(random.usize(..8));
        stay_busy(Duration::from_micros(random.u64(..3000)));
        let is_kill = requests >= REQUESTS || (kills < KILLS && random.u8(..6) > 0);
        running.signal(if is_kill { Signal::KILL } else { Signal::TERM });
        let status = running.child.wait().unwrap();
        match (is_kill, status.signal()) {
            (true, Some(_)) => kills += 1,
            (false, Some(_)) => requests += 1,
            // It was through with all, or heard the request.
            (_, None) => {
                assert!(status.success(), "seed {seed}: {status}");
                requests += usize::from(!is_kill);
            }
        }
        let all = ["bookings", "offset"].map(|name| place.path(name).exists());
        between += usize::from(all == [true; 2] && place.last("bookings") > place.last("offset"));
    }
    assert_success(&place.run(&[]));
    println!("seed {seed}: {kills} kills, {between} of them between a booking and its offset");
    let expected: Vec<(u64, String)> =
        place.records("log").iter().map(|(number, bill)| (*number, share(bill))).collect();
    assert!(expected.len() > KILLS, "{} messages", expected.len());
    assert!(place.records("bookings") == expected, "seed {seed}: {:?}", place.records("bookings"));
    assert!(place.records("dead").is_empty());
}

#[test]
fn killed_between_the_record_and_the_offset_it_does_not_settle_a_message_twice() {
    let place = Place::new();
    for (message, file) in [("alice 30 2", "bookings"), ("nonsense", "dead")] {
        assert_success(&place.run(&[message]));
        let settled = place.records(file);
        // What a kill between the two leaves.
        place.cut("offset", |record| record);
        assert_success(&place.run(&[]));
        assert_eq!(place.records(file), settled);
        // What a power cut in the middle of the record leaves.
        place.cut("offset", |record| record);
        place.cut(file, |record| record / 2);
        assert_success(&place.run(&[]));
        assert_eq!(place.records(file), settled);
    }
    place.assert_records("bookings", &[(1, "alice 15")]);
    assert_eq!(place.last("offset"), 2);
}

#[test]
fn a_message_that_fails_panics_or_takes_too_long_is_taken_three_times_and_put_aside() {
    let place = Place::new();
    let output = place.run(&["alice 30 2", "nonsense", "carol 10 0", ENDLESS, "eve 9 3"]);
    assert_success(&output);
    place.assert_records("bookings", &[(1, "alice 15"), (5, "eve 3")]);
    let dead = place.records("dead");
    for ((number, text), (expected, why)) in dead.iter().zip([
        (2, "nonsense: `nonsense` is not NAME AMOUNT PEOPLE"),
        (3, "attempt to divide by zero"),
        (4, "deadline"),
    ]) {
        assert!(*number == expected && text.contains(why), "{dead:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        let attempts = said.matches(&format!(" at message {number} failed: ")).count();
        assert_eq!(attempts, 3, "{said}");
    }
    assert_eq!((dead.len(), place.last("offset")), (3, 5));
}

#[test]
fn a_request_to_end_drops_the_message_that_is_under_way_and_it_is_taken_again() {
    let place = Place::new();
    let mut running = place.start(&["alice 30 2", ENDLESS]);
    running.wait_for("taken 2");
    running.signal(Signal::TERM);
    assert!(running.child.wait().unwrap().success());
    assert_eq!(place.last("offset"), 1);
    place.assert_records("dead", &[]);
    // So that it gets through this time.
    fs::remove_file(place.path("log")).unwrap();
    assert_success(&place.run(&["alice 30 2", "dave 8 2"]));
    place.assert_records("bookings", &[(1, "alice 15"), (2, "dave 4")]);
}

#[test]
fn a_second_consumer_is_refused_while_one_runs() {
    let place = Place::new();
    let mut running = place.start(&["alice 30 2", ENDLESS]);
    running.wait_for("taken 2");
    let second = place.run(&["bob 7 1"]);
    assert_eq!(second.status.code(), Some(1));
    running.signal(Signal::TERM);
    assert!(running.child.wait().unwrap().success());
    assert_eq!(place.records("log").len(), 2);
}

#[test]
fn an_offset_that_cannot_be_committed_is_told_and_ends_the_program() {
    let place = Place::new();
    let log = Records::open(&place.path("log")).unwrap();
    let offset = Records::open(&place.path("offset")).unwrap();
    for number in 1..=100 {
        log.append(number, "alice 30 2").unwrap();
        offset.append(number, "").unwrap();
    }
    log.append(101, "bob 7 1").unwrap();
    // Files may not be longer than that of the offsets is already.
    let output = place.run_with_short_files(1);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("append(message.number") && said.contains("File too large"), "{said}");
    place.assert_records("bookings", &[(101, "bob 7")]);
    assert_success(&place.run(&[]));
    place.assert_records("bookings", &[(101, "bob 7")]);
    assert_eq!(place.last("offset"), 101);
}

#[test]
fn a_booking_that_cannot_be_written_ends_the_program_and_is_not_held_against_the_message() {
    let place = Place::new();
    Records::open(&place.path("log")).unwrap().append(1, "bob 7 1").unwrap();
    let output = place.run_with_short_files(0);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    place.assert_records("dead", &[]);
    assert_success(&place.run(&[]));
    place.assert_records("bookings", &[(1, "bob 7")]);
}

/// Without a guard and a second look: a consumer that dies at the second message, between its two steps.
fn plain(directory: &Path, commits_first: bool) -> std::io::Result<()> {
    let offset = Records::open(&directory.join("offset"))?;
    let bookings = Records::open(&directory.join("bookings"))?;
    let dies = offset.last() == 0;
    for message in read(&directory.join("log"))? {
        let Record { number, text } = message?;
        if number <= offset.last() {
            continue;
        }
        let book = || bookings.append(number, &share(&text));
        let commit = || offset.append(number, "");
        let steps: [&dyn Fn() -> std::io::Result<()>; 2] =
            if commits_first { [&commit, &book] } else { [&book, &commit] };
        steps[0]()?;
        if dies && number == 2 {
            kill_process(getpid(), Signal::KILL)?;
        }
        steps[1]()?;
    }
    Ok(())
}

const PLAIN: &str = "BACKSTOP_PLAIN_CONSUMER";

#[test]
#[ignore = "a process of the control below"]
fn plain_consumer() {
    if let Some(directory) = env::var_os(PLAIN) {
        let directory = PathBuf::from(directory);
        plain(&directory, directory.join("commits-first").exists()).unwrap();
    }
}

/// The control: what becomes of it without the two things that the example is about.
#[test]
fn the_same_by_hand_loses_a_message_or_books_it_twice() {
    for commits_first in [true, false] {
        let place = Place::new();
        let log = Records::open(&place.path("log")).unwrap();
        for (number, bill) in (1..).zip(["alice 30 2", "bob 7 1", "eve 9 3"]) {
            log.append(number, bill).unwrap();
        }
        if commits_first {
            File::create(place.path("commits-first")).unwrap();
        }
        let run = || {
            let mut command = Command::new(env::current_exe().unwrap());
            command.args(["--exact", "plain_consumer", "--ignored"]).env(PLAIN, place.0.path());
            command.output().unwrap().status
        };
        assert_eq!(run().signal(), Some(Signal::KILL.as_raw()));
        assert!(run().success());
        let (alice, bob, eve) = ((1, "alice 15"), (2, "bob 7"), (3, "eve 3"));
        if commits_first {
            place.assert_records("bookings", &[alice, eve]);
        } else {
            place.assert_records("bookings", &[alice, bob, bob, eve]);
        }
    }
}
