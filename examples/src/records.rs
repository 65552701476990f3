//! Files of numbered records, which end at a whole record whatever ends the process or the machine.
//!
//! A record is a line: a checksum, a number, a text. One write makes it, and it is on the disk before
//! anybody goes on. So only the last one can be torn; it is told by its missing end or by its checksum,
//! and taken for one that was never written.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A numbered text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// From 1 on, in the order of the file.
    pub number: u64,
    /// One line.
    pub text: String,
}

impl Record {
    fn to_line(&self) -> String {
        let Self { number, text } = self;
        let body = format!("{number} {text}\n");
        format!("{:08x} {body}", crc32fast::hash(body.as_bytes()))
    }

    /// `None` where it is not a whole line as it was written.
    fn of_line(line: &[u8]) -> Option<Self> {
        let (checksum, body) = std::str::from_utf8(line).ok()?.split_once(' ')?;
        let checksum = u32::from_str_radix(checksum, 16).ok()?;
        let (number, text) = body.strip_suffix('\n')?.split_once(' ')?;
        let is_whole = checksum == crc32fast::hash(body.as_bytes());
        is_whole.then_some(Self { number: number.parse().ok()?, text: text.to_owned() })
    }
}

/// The whole records of a file, in their order.
///
/// # Errors
///
/// Where the file cannot be opened. An item is an error where it cannot be read, or is damaged before its
/// last record: nothing that ends a process or a machine makes it so.
pub fn read(path: &Path) -> io::Result<impl Iterator<Item = io::Result<Record>> + use<>> {
    let mut lines = Lines { from: BufReader::new(File::open(path)?), length: 0 };
    Ok(std::iter::from_fn(move || lines.next().transpose()))
}

struct Lines {
    from: BufReader<File>,
    /// The bytes of all whole records so far.
    length: u64,
}

impl Lines {
    fn next(&mut self) -> io::Result<Option<Record>> {
        let mut line = Vec::new();
        self.from.read_until(b'\n', &mut line)?;
        if let Some(record) = Record::of_line(&line) {
            self.length += line.len() as u64;
            return Ok(Some(record));
        }
        if self.from.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let damaged = format!("a record is damaged, {} bytes from the start", self.length);
        Err(io::Error::new(io::ErrorKind::InvalidData, damaged))
    }
}

/// A file that takes more records.
#[derive(Debug)]
pub struct Records {
    file: File,
    end: Mutex<End>,
}

/// Behind the last whole record.
#[derive(Debug)]
struct End {
    last: u64,
    length: u64,
}

impl Records {
    /// Opens the file, which is made where there is none, and cuts a torn end off.
    ///
    /// # Errors
    ///
    /// Where the file cannot be made, read or cut, or is damaged before its last record.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file =
            File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut lines = Lines { from: BufReader::new(file.try_clone()?), length: 0 };
        let mut last = 0;
        while let Some(record) = lines.next()? {
            last = record.number;
        }
        file.set_len(lines.length)?;
        file.sync_all()?;
        // That the file is there has to be on the disk, too.
        File::open(path.parent().unwrap_or(path))?.sync_all()?;
        Ok(Self { file, end: Mutex::new(End { last, length: lines.length }) })
    }

    /// The number of the last record; 0 where there is none.
    pub fn last(&self) -> u64 {
        self.end().last
    }

    /// Writes a record behind the others. When this returns, it outlives the process and the machine.
    ///
    /// # Errors
    ///
    /// Where it cannot be written. The next record comes into its place, then.
    pub fn append(&self, number: u64, text: &str) -> io::Result<()> {
        let mut end = self.end();
        let line = Record { number, text: text.replace('\n', " ") }.to_line();
        self.file.write_all_at(line.as_bytes(), end.length)?;
        self.file.sync_data()?;
        *end = End { last: number, length: end.length + line.len() as u64 };
        Ok(())
    }

    /// The file, to lock it.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// It is changed in one step, so that a panic leaves it whole; and a cleanup does not unwrap.
    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
