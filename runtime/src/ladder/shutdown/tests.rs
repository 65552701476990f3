//! The end that is forced, with exit cleanups of any kind.
//!
//! Each test runs this executable again, with an environment variable that says which part to play:
//! what ends is a process.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use super::main::{Options, run_with};
use crate::{CancelCause, cancel_token};

const PART: &str = "BACKSTOP_TEST_PART";
const DEADLINE: Duration = Duration::from_secs(60);

fn say(what: &str) {
    // Not `println!`, which the harness may capture; a line of its own, whatever the harness says.
    let _ = writeln!(io::stdout(), "\n> {what}");
}

/// Plays a part under `main` and ends the process, if this is the process to do so.
fn play(part: &str, run_exit_cleanups: fn(Duration) -> Vec<String>) {
    if std::env::var(PART).is_ok_and(|playing| playing == part) {
        let options = Options { grace: Duration::from_secs(3600), reaper: false, journal: None };
        run_with(options, run_exit_cleanups, || {
            say("ready");
            let token = cancel_token();
            say(&format!("{:?}", token.wait()));
            while token.cause() != Some(CancelCause::Shutdown { immediate: true }) {
                thread::sleep(Duration::from_millis(1));
            }
            say("immediate");
        });
        unreachable!("the end is being forced");
    }
}

struct Program {
    child: Child,
    lines: Receiver<String>,
    stderr: Receiver<String>,
}

impl Program {
    /// Runs the test of this name again, as the part of that name.
    fn start(part: &str) -> Self {
        // A handled signal is at its default in a new program, and one that this process was started
        // with ignored, as `nohup` does, would stay so.
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            flag::register_conditional_default(signal, Arc::new(AtomicBool::new(true))).unwrap();
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([&format!("ladder::shutdown::tests::{part}"), "--exact", "--nocapture"])
            .env(PART, part)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some(line) = line.strip_prefix("> ") {
                    let _ = send.send(line.to_owned());
                }
            }
        });
        let (send, stderr) = mpsc::channel();
        let mut pipe = child.stderr.take().unwrap();
        thread::spawn(move || {
            let mut text = String::new();
            let _ = pipe.read_to_string(&mut text);
            let _ = send.send(text);
        });
        let program = Self { child, lines, stderr };
        program.expect("ready");
        program
    }

    fn expect(&self, line: &str) {
        assert_eq!(self.lines.recv_timeout(DEADLINE).as_deref(), Ok(line));
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Asks it to end, and forces it.
    fn force(&self) {
        self.signal(Signal::TERM);
        self.expect("Shutdown { immediate: false }");
        self.signal(Signal::INT);
    }

    fn wait(mut self) -> (ExitStatus, String) {
        let stderr = self.stderr.recv_timeout(DEADLINE).expect("it ends in time");
        (self.child.wait().unwrap(), stderr)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn second_signal_runs_exit_cleanups_and_reports_which_did_not_end() {
    let part = "second_signal_runs_exit_cleanups_and_reports_which_did_not_end";
    play(part, |limit| {
        say(&format!("cleanups within {limit:?}"));
        // Until `main` has seen it, which does not end the process meanwhile.
        thread::sleep(Duration::from_millis(50));
        vec!["cleanup `database` did not end".to_owned()]
    });
    let program = Program::start(part);
    program.force();
    let mut said: Vec<_> = (0..2).map(|_| program.lines.recv_timeout(DEADLINE).unwrap()).collect();
    said.sort();
    assert_eq!(said, ["cleanups within 5s", "immediate"]);
    let (status, stderr) = program.wait();
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
    assert!(stderr.contains("\nbackstop: cleanup `database` did not end\n"), "{stderr}");
}

#[test]
fn third_signal_cuts_exit_cleanups_off() {
    let part = "third_signal_cuts_exit_cleanups_off";
    play(part, |_| {
        say("cleanups");
        loop {
            thread::park();
        }
    });
    let program = Program::start(part);
    program.signal(Signal::TERM);
    program.expect("Shutdown { immediate: false }");
    let second = Instant::now();
    program.signal(Signal::INT);
    let said = [(); 2].map(|()| program.lines.recv_timeout(DEADLINE).unwrap());
    assert!(said.contains(&"cleanups".to_owned()), "{said:?}");
    program.signal(Signal::HUP);
    let (status, stderr) = program.wait();
    assert_eq!(status.signal(), Some(Signal::HUP.as_raw()), "{stderr}");
    assert!(second.elapsed() >= Duration::from_millis(100), "cleanups have that long");
    assert!(stderr.contains("\nbackstop: not all exit cleanups ended\n"), "{stderr}");
}

#[test]
fn exit_cleanups_that_hang_are_cut_off_at_their_deadline() {
    let part = "exit_cleanups_that_hang_are_cut_off_at_their_deadline";
    play(part, |_| {
        loop {
            thread::park();
        }
    });
    let program = Program::start(part);
    program.force();
    program.expect("immediate");
    let (status, stderr) = program.wait();
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()), "{stderr}");
    assert!(stderr.contains("\nbackstop: not all exit cleanups ended\n"), "{stderr}");
}

#[test]
fn exit_cleanups_that_panic_do_not_hold_up_the_end() {
    let part = "exit_cleanups_that_panic_do_not_hold_up_the_end";
    play(part, |_| panic!("in the exit hook"));
    let program = Program::start(part);
    program.force();
    let (status, _) = program.wait();
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
}
