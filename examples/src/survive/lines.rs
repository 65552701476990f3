//! What a process says, line by line.

use std::io::{self, Read as _};
use std::process::ChildStdout;
use std::time::Instant;

use super::processes::is_ready;

/// The words that a cell's process said on its stdout.
#[derive(Debug)]
pub(super) struct Lines {
    from: ChildStdout,
    said: Vec<u8>,
}

impl Lines {
    pub(super) fn new(from: ChildStdout) -> Self {
        Self { from, said: Vec::new() }
    }

    /// Waits for this word; false if the other side ends before it says it.
    pub(super) fn wait_for(&mut self, word: &str, deadline: Instant) -> io::Result<bool> {
        while !self.has(word) {
            if !self.read(deadline)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits until nobody can say anything more.
    pub(super) fn wait_for_end(&mut self, deadline: Instant) -> io::Result<()> {
        while self.read(deadline)? {}
        Ok(())
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.words().iter().any(|said| said == word)
    }

    /// The words behind `key` and a space.
    pub(super) fn values(&self, key: &str) -> Vec<String> {
        let words = self.words().into_iter();
        words
            .filter_map(|word| Some(word.strip_prefix(key)?.strip_prefix(' ')?.to_owned()))
            .collect()
    }

    /// The whole lines so far.
    pub(super) fn words(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.said);
        let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        whole.map(str::to_owned).collect()
    }

    /// Reads more; false at the end.
    fn read(&mut self, deadline: Instant) -> io::Result<bool> {
        if !is_ready(&[&self.from], deadline)? {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it says nothing"));
        }
        let mut buffer = [0; 256];
        let length = self.from.read(&mut buffer)?;
        self.said.extend_from_slice(&buffer[..length]);
        Ok(length > 0)
    }
}
