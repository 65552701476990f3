//! The result log: what the reaper did, and what it left alone.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// When a log is put aside, in bytes.
const LIMIT: u64 = 256 * 1024;

/// `backstop/PROGRAM/reaper.log` in the user's state directory, if the user has one.
pub(super) fn default_path() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    let program = env::current_exe().ok()?;
    Some(state.join("backstop").join(program.file_name()?).join("reaper.log"))
}

/// A log that is written by a thread of its own: a file system that hangs must not stop the
/// cleaning. The thread and the file are made with the first line.
pub(super) struct Log {
    path: Option<PathBuf>,
    prefix: String,
    writer: Option<Writer>,
}

struct Writer {
    lines: Sender<String>,
    done: mpsc::Receiver<()>,
}

impl Log {
    pub(super) fn new(path: Option<PathBuf>, program: &OsStr, pid: i32) -> Self {
        let program = program.to_string_lossy();
        Self { path, prefix: format!("{}[{pid}]", program.escape_debug()), writer: None }
    }

    pub(super) fn line(&mut self, text: &str) {
        if self.writer.is_none() {
            self.writer = self.path.take().and_then(|path| Writer::start(path).ok());
        }
        if let Some(writer) = &self.writer {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let _ = writer.lines.send(format!("{} {}: {text}\n", stamp(now), self.prefix));
        }
    }

    /// Waits until all lines are written, within `limit`.
    pub(super) fn finish(self, limit: Duration) {
        if let Some(Writer { lines, done }) = self.writer {
            drop(lines);
            let _ = done.recv_timeout(limit);
        }
    }
}

impl Writer {
    fn start(path: PathBuf) -> io::Result<Self> {
        let (lines, receiver) = mpsc::channel::<String>();
        let (end, done) = mpsc::channel::<()>();
        thread::Builder::new().name("log".to_owned()).spawn(move || {
            // Held until the thread ends, which is what `done` waits for.
            let _end = end;
            let Ok(mut file) = open(&path) else { return };
            for line in receiver {
                if file.write_all(line.as_bytes()).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { lines, done })
    }
}

/// Opens the log for appending. Whoever runs as root in a directory of somebody else's must not be
/// led to write into another file by a link.
fn open(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    let uid = rustix::process::geteuid().as_raw();
    if !metadata.is_file() || metadata.uid() != uid || metadata.nlink() != 1 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    if metadata.len() < LIMIT {
        return Ok(file);
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(".1");
    fs::rename(path, aside)?;
    options.create_new(true).open(path)
}

/// The time as RFC 3339 writes it, in UTC.
fn stamp(since_epoch: Duration) -> String {
    let seconds = since_epoch.as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`; years
    // begin in March, so that the leap day is the last one.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let milli = since_epoch.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::stamp;

    #[test]
    fn stamps_are_utc() {
        assert_eq!(stamp(Duration::ZERO), "1970-01-01T00:00:00.000Z");
        // From `date -u -d @N`.
        let cases = [
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ];
        for (seconds, text) in cases {
            assert_eq!(stamp(Duration::from_secs(seconds)), text);
        }
    }
}
