//! Part A of docs/pitfalls.md: ways to leave that skip a cleanup. Test names begin with the row.
//!
//! What ends a process is watched from outside: such a test runs itself again in a part.

use std::env;
use std::panic::{catch_unwind, resume_unwind};
use std::process::{self, Command, ExitStatus};
use std::sync::{Mutex, mpsc};
use std::thread;

use backstop::{must_cleanup, no_exit, scoped_spawn};
use backstop_tests::{Log, caught};

const PART: &str = "BACKSTOP_TEST_PART";

fn part() -> Option<String> {
    env::var(PART).ok()
}

/// Runs this test again in a part, and gives how it ended and the lines that it printed itself.
fn play(test: &str, part: &str) -> (ExitStatus, Vec<String>) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(PART, part);
    let output = command.output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let lines = stdout.lines().filter_map(|line| line.split("SAID ").nth(1).map(str::to_owned));
    (output.status, lines.collect())
}

fn say(what: &str) {
    println!("SAID {what}");
}

/// A server whose handler finds that the process had better end.
#[must_cleanup]
#[no_exit]
fn serve(connections: &[&str]) -> Result<(), String> {
    for connection in connections {
        #[cleanup(say(&format!("closed {connection}")))]
        let connection = *connection;
        say(&format!("open {connection}"));
        handle(&connection)?;
    }
    Ok(())
}

fn handle(connection: &str) -> Result<(), String> {
    if connection == "b" { Err("this cannot go on".to_owned()) } else { Ok(()) }
}

#[test]
fn a1_wanting_to_exit_is_an_error_that_closes_every_connection() {
    let test = "a1_wanting_to_exit_is_an_error_that_closes_every_connection";
    if part().is_some() {
        let failed = serve(&["a", "b", "c"]).is_err();
        process::exit(if failed { 3 } else { 0 });
    }
    let (status, said) = play(test, "server");
    assert_eq!(status.code(), Some(3));
    assert_eq!(said, ["open a", "closed a", "open b", "closed b"]);
}

#[must_cleanup]
fn ends_its_thread(log: &mpsc::Sender<&'static str>) {
    #[cleanup(log.send("outer"))]
    let _outer = 0;
    {
        #[cleanup(log.send("inner"), on = unwind)]
        let _inner = 0;
        resume_unwind(Box::new("the thread ends here"));
    }
}

#[test]
fn a2_ending_a_thread_by_resume_unwind_runs_its_cleanups() {
    let (log, entries) = mpsc::channel();
    let ended = thread::spawn(move || ends_its_thread(&log)).join().unwrap_err();
    assert_eq!(ended.downcast_ref(), Some(&"the thread ends here"));
    assert_eq!(entries.iter().collect::<Vec<_>>(), ["inner", "outer"]);
}

#[must_cleanup]
fn unwinds(log: &Log) {
    #[cleanup(log.note("1"))]
    let _first = 0;
    for turn in 2..4 {
        #[cleanup(log.note(turn.to_string()))]
        let turn = turn;
        #[cleanup(log.note("statement"))]
        if *turn == 3 {
            resume_unwind(Box::new("recovered"));
        }
    }
}

#[test]
fn a4_a_panic_runs_the_cleanups_in_reverse_and_is_recovered_in_the_same_thread() {
    let log = Log::new();
    assert_eq!(caught(|| unwinds(&log)), Err("recovered".to_owned()));
    assert_eq!(log.take(), "statement 2 statement 3 1");
}

#[must_cleanup]
fn panics_twice(log: &Log) {
    #[cleanup(log.note("1"))]
    let _first = 0;
    #[cleanup(panic!("the second panic"))]
    let _second = 0;
    #[cleanup(log.note("3"))]
    let _third = 0;
    panic!("the first panic");
}

#[test]
fn a5_a_panic_in_a_cleanup_during_a_panic_silences_nothing() {
    let log = Log::new();
    assert_eq!(caught(|| panics_twice(&log)), Err("the first panic".to_owned()));
    assert_eq!(log.take(), "3 1");
}

#[must_cleanup]
fn leaves(how: &str) -> Result<(), String> {
    #[cleanup(say("cleaned up"))]
    let _guard = 0;
    say("begun");
    end(how)
}

/// Outside of what the attribute reads: no compiler can see what a callee does to the process.
fn end(how: &str) -> Result<(), String> {
    match how {
        "return" => Ok(()),
        "error" => Err(how.to_owned()),
        "panic" => panic!("{how}"),
        "exit" => process::exit(0),
        "abort" => process::abort(),
        _ => {
            let mut shell = Command::new("sh");
            shell.args(["-c", "kill -9 $PPID"]).status().map_err(|error| error.to_string())?;
            unreachable!("killed")
        }
    }
}

/// What this version promises, and what it leaves to `survives`: the last three begin without end.
#[test]
fn a6_each_way_to_end_is_observed() {
    let test = "a6_each_way_to_end_is_observed";
    if let Some(how) = part() {
        let _ = catch_unwind(|| leaves(&how));
        return;
    }
    for (how, cleans_up) in [
        ("return", true),
        ("error", true),
        ("panic", true),
        ("exit", false),
        ("abort", false),
        ("kill", false),
    ] {
        let (_, said) = play(test, how);
        let expected: &[&str] = if cleans_up { &["begun", "cleaned up"] } else { &["begun"] };
        assert_eq!(said, expected, "{how}");
    }
}

struct Loud(&'static str);
impl Drop for Loud {
    fn drop(&mut self) {
        say(self.0);
    }
}

static STATIC: Mutex<Option<Loud>> = Mutex::new(None);

#[must_cleanup]
fn main_of_a9() {
    #[cleanup(say("the guard's"))]
    let _guard = Loud("the guarded value's");
    *STATIC.lock().unwrap() = Some(Loud("the static's"));
}

#[test]
fn a9_a_guard_runs_where_the_destructor_of_a_static_never_does() {
    let test = "a9_a_guard_runs_where_the_destructor_of_a_static_never_does";
    if part().is_some() {
        return main_of_a9();
    }
    let (status, said) = play(test, "main");
    assert!(status.success());
    assert_eq!(said, ["the guard's", "the guarded value's"]);
}

/// What a C library would call for each item: it may not unwind into it.
#[must_cleanup]
extern "C" fn callback(log: *const Log, item: u8) -> i32 {
    // SAFETY: the caller's log lives until it returns.
    let log = unsafe { &*log };
    #[cleanup(log.note(format!("unlocked-{item}")))]
    let _lock = item;
    let result = caught(|| {
        assert!(item != 2, "no twos");
        log.note(item.to_string());
    });
    if result.is_ok() { 0 } else { -1 }
}

#[test]
fn a11_a_callback_that_contains_its_panic_cleans_up_and_returns_a_code() {
    let log = Log::new();
    let codes = [1, 2, 3].map(|item| callback(&raw const log, item));
    assert_eq!(codes, [0, -1, 0]);
    assert_eq!(log.take(), "1 unlocked-1 unlocked-2 3 unlocked-3");
}

#[must_cleanup]
fn worker(name: &str, gate: &Mutex<mpsc::Receiver<()>>) {
    #[cleanup(say(&format!("{name} cleaned up")))]
    let _guard = 0;
    // Until the body has ended.
    let _ = gate.lock().unwrap().recv();
}

#[scoped_spawn]
fn main_of_a12(gate: &Mutex<mpsc::Receiver<()>>, open: mpsc::Sender<()>) {
    let _one = thread::spawn(|| worker("one", gate));
    let _two = thread::spawn(|| worker("two", gate));
    say("main returns");
    drop(open);
}

#[test]
fn a12_main_does_not_return_before_its_threads_have_cleaned_up() {
    let test = "a12_main_does_not_return_before_its_threads_have_cleaned_up";
    if part().is_some() {
        let (open, gate) = mpsc::channel();
        main_of_a12(&Mutex::new(gate), open);
        say("returned");
        process::exit(0);
    }
    let (status, mut said) = play(test, "main");
    assert!(status.success());
    said[1..3].sort_unstable();
    assert_eq!(said, ["main returns", "one cleaned up", "two cleaned up", "returned"]);
}
