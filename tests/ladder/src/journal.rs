//! A process that owns a journal and does what it is told: the program `journal_owner`.
#![allow(missing_docs, reason = "not published")]

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

/// The program, killed when this is dropped.
#[derive(Debug)]
pub struct Owner {
    child: Child,
    stdin: ChildStdin,
    answers: Receiver<String>,
}

impl Owner {
    /// Starts it, by a command that ends in its arguments, and returns its first answer.
    ///
    /// # Panics
    ///
    /// If it cannot be started or does not answer.
    pub fn start(command: &mut Command) -> (Self, String) {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, answers) = channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let owner = Self { child, stdin, answers };
        let first = owner.answer();
        (owner, first)
    }

    fn answer(&self) -> String {
        self.answers.recv_timeout(LIMIT).expect("no answer")
    }

    /// Tells it something, and returns its answer.
    ///
    /// # Panics
    ///
    /// If it does not answer.
    pub fn tell(&mut self, what: impl AsRef<OsStr>) -> String {
        use std::os::unix::ffi::OsStrExt;
        self.stdin.write_all(&[what.as_ref().as_bytes(), b"\n"].concat()).unwrap();
        self.answer()
    }

    /// Tells it something that goes well, and returns what it says beside that.
    ///
    /// # Panics
    ///
    /// If it does not go well.
    pub fn ask(&mut self, what: impl AsRef<OsStr>) -> String {
        let answer = self.tell(&what);
        answer.strip_prefix("ok ").unwrap_or_else(|| panic!("{:?}: {answer}", what.as_ref())).into()
    }

    /// Registers and makes a file.
    ///
    /// # Panics
    ///
    /// If that fails.
    pub fn create(&mut self, key: u64, file: &Path) {
        self.ask(format!("create {key} {}", file.display()));
        assert!(file.exists());
    }

    /// Lets it end without a word, and waits until its files are closed: also where it is not our
    /// child, but that of what made its container.
    ///
    /// # Panics
    ///
    /// If it does not end.
    pub fn die(mut self) {
        self.stdin.write_all(b"die\n").unwrap();
        assert_eq!(self.answers.recv_timeout(LIMIT), Err(RecvTimeoutError::Disconnected));
        self.child.wait().unwrap();
    }

    /// Ends it by SIGKILL.
    ///
    /// # Panics
    ///
    /// If it has ended otherwise.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().signal(), Some(libc::SIGKILL));
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory of a test's own, with a place for a journal, and for files.
#[derive(Debug)]
pub struct Home {
    pub directory: PathBuf,
    pub journal: PathBuf,
}

impl Home {
    /// In `directory`, which must not be in memory.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        let directory = fs::canonicalize(directory).unwrap();
        Self { journal: directory.join("journal"), directory }
    }

    /// Where a file may be made.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The names in the journal, in order.
    ///
    /// # Panics
    ///
    /// If it is not there.
    #[must_use]
    pub fn segments(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.journal).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }

    /// The only name in the journal.
    ///
    /// # Panics
    ///
    /// If there are more.
    #[must_use]
    pub fn segment(&self) -> PathBuf {
        let mut segments = self.segments();
        assert_eq!(segments.len(), 1, "{segments:?}");
        segments.remove(0)
    }
}
