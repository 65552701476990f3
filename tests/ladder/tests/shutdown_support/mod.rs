//! Runs the programs of the `shutdown_*` tests.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use backstop_tests_ladder::signals::default_for_children;
use rustix::process::{Pid, Signal, kill_process};

pub(crate) const PATIENT: &str = env!("CARGO_BIN_EXE_shutdown_patient");
pub(crate) const HASTY: &str = env!("CARGO_BIN_EXE_shutdown_hasty");
pub(crate) const BARE: &str = env!("CARGO_BIN_EXE_shutdown_bare");

/// Far more than anything here takes.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A running program.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
    stderr: Receiver<String>,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// The lines that were not read before.
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: String,
}

pub(crate) fn start(program: &str, part: &str) -> Program {
    let mut command = Command::new(program);
    command.arg(part);
    start_command(command)
}

pub(crate) fn run(program: &str, part: &str) -> Ended {
    start(program, part).wait()
}

pub(crate) fn start_command(mut command: Command) -> Program {
    default_for_children();
    command.env_remove("RUST_BACKTRACE");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (send, lines) = mpsc::channel();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    thread::spawn(move || {
        for line in stdout.lines() {
            let Ok(()) = send.send(line.unwrap()) else { break };
        }
    });
    let (send, stderr) = mpsc::channel();
    let mut pipe = child.stderr.take().unwrap();
    thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        let _ = send.send(text);
    });
    Program { child, lines, stderr }
}

impl Program {
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub(crate) fn close_stdin(&mut self) {
        drop(self.child.stdin.take());
    }

    /// The next line that it says.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("the program says something in time")
    }

    #[track_caller]
    pub(crate) fn expect(&self, expected: &str) {
        assert_eq!(self.line(), expected);
    }

    /// Sends a signal again and again, until it has ended.
    #[track_caller]
    pub(crate) fn signal_until_it_ends(self, signal: Signal) -> Ended {
        let begun = Instant::now();
        while self.lines.recv_timeout(Duration::from_millis(10))
            != Err(RecvTimeoutError::Disconnected)
        {
            assert!(begun.elapsed() < DEADLINE, "it ends in time");
            self.signal(signal);
        }
        self.wait()
    }

    /// Waits for its end: both pipes are closed by then.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ended {
        let stderr = self.stderr.recv_timeout(DEADLINE).expect("the program ends in time");
        let stdout = self.lines.iter().collect();
        let status = self.child.wait().unwrap();
        Ended { status, stdout, stderr }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Of a program that has ended, this is an error; of one that a failed test left, its end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn with_code(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn by(&self, signal: Signal) -> &Self {
        assert_eq!(self.status.signal(), Some(signal.as_raw()), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn said(&self, lines: &[&str]) -> &Self {
        assert_eq!(self.stdout, lines, "{self:?}");
        self
    }

    /// It said nothing on stderr.
    #[track_caller]
    pub(crate) fn silently(&self) -> &Self {
        assert_eq!(self.stderr, "", "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn warned(&self, part: &str) -> &Self {
        assert!(self.stderr.contains(part), "no `{part}` in: {}", self.stderr);
        self
    }
}
