//! For the tests of the exit rung: lines that a dying process writes, and how it ended.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use backstop::__private::{ExitEntry, Site, exit_entry};

/// Longer than any of the programs may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(40);

/// Writes a line to stdout in one piece, without a lock that a dying thread may hold.
pub fn say(line: &str) {
    let line = format!("{line}\n");
    let _ = rustix::io::write(rustix::stdio::stdout(), line.as_bytes());
}

/// A cleanup that says its name.
pub fn saying(name: &'static str) -> ExitEntry {
    static SITE: Site = Site::new("saying");
    exit_entry(&SITE, move || say(name))
}

/// Waits for a line, or the end, of stdin: what the test writes when it has seen enough.
pub fn await_test() {
    let _ = rustix::io::read(rustix::stdio::stdin(), &mut [0; 64]);
}

/// Does nothing for ever.
pub fn hang() -> ! {
    loop {
        thread::park();
    }
}

/// How a program ended, and what it wrote.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// The lines of its stdout, after those that were read while it ran.
    pub lines: Vec<String>,
    /// Its stderr.
    pub stderr: String,
}

impl Ended {
    /// The status as text: a code, or the signal that it died of.
    #[must_use]
    pub fn how(&self) -> String {
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("code {code}"),
            (_, Some(signal)) => format!("signal {signal}"),
            _ => self.status.to_string(),
        }
    }
}

/// A program that runs; it is killed when it takes too long.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    stderr: JoinHandle<String>,
    ended: Sender<()>,
    watch: JoinHandle<bool>,
}

/// Starts a program of this package.
///
/// # Panics
///
/// If it cannot be started.
#[must_use]
pub fn start(command: &mut Command) -> Running {
    crate::signals::default_for_children();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let stdin = child.stdin.take();
    let stdout = BufReader::new(child.stdout.take().expect("piped"));
    let mut stderr = child.stderr.take().expect("piped");
    let stderr = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stderr.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let (ended, deadline) = mpsc::channel();
    let pid = rustix::process::Pid::from_child(&child);
    let watch = thread::spawn(move || {
        let late = deadline.recv_timeout(DEADLINE) == Err(RecvTimeoutError::Timeout);
        if late {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        late
    });
    Running { child, stdin, stdout, stderr, ended, watch }
}

impl Running {
    /// Its process.
    #[must_use]
    pub fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// The next line that it writes.
    ///
    /// # Panics
    ///
    /// If its stdout cannot be read.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("its stdout is read");
        line.trim_end().to_owned()
    }

    /// Sends it a signal.
    ///
    /// # Panics
    ///
    /// If it is gone.
    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.pid(), signal).expect("it runs");
    }

    /// Closes its stdin, which lets [`await_test`] go.
    pub fn let_go(&mut self) {
        self.stdin = None;
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// If it took too long and was killed.
    #[must_use]
    pub fn end(mut self) -> Ended {
        let mut text = Vec::new();
        self.stdout.read_to_end(&mut text).expect("its stdout is read");
        let status = self.child.wait().expect("it can be waited for");
        let _ = self.ended.send(());
        let stderr = self.stderr.join().expect("reading does not panic");
        assert!(!self.watch.join().expect("waiting does not panic"), "too late:\n{stderr}");
        let text = String::from_utf8_lossy(&text);
        Ended { status, lines: text.lines().map(str::to_owned).collect(), stderr }
    }
}

/// Runs a program of this package to its end.
#[must_use]
pub fn run(program: &str, arguments: &[&str]) -> Ended {
    start(Command::new(program).args(arguments)).end()
}
