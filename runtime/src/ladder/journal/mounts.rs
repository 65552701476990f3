//! The mount table: whether a path means the same here as where it was registered.

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Serialize};

const TABLE: &str = "/proc/self/mountinfo";
/// A table with more bytes is not recorded: a host of very many containers.
const MAX_TABLE: usize = 128 * 1024;

/// A line of `/proc/self/mountinfo`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mount {
    /// `major:minor` of the filesystem, which last as long as it is mounted.
    device: String,
    /// The directory of the filesystem that is mounted.
    root: Vec<u8>,
    /// Where it is mounted.
    point: Vec<u8>,
    kind: String,
    source: Vec<u8>,
    /// For overlays, whose source says nothing: the directories that they show.
    layers: Vec<u8>,
}

/// What is mounted where, in the order in which it was mounted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Mounts(Vec<Mount>);

impl Mounts {
    /// This process's; empty, and so like no other, where it cannot be read or is too large.
    pub(super) fn current() -> Self {
        Self::read().unwrap_or_default()
    }

    fn read() -> io::Result<Self> {
        let table = fs::read(TABLE)?;
        Ok(if table.len() > MAX_TABLE { Self::default() } else { Self::parse(&table) })
    }

    pub(super) fn parse(table: &[u8]) -> Self {
        Self(table.split(|byte| *byte == b'\n').filter_map(Mount::parse).collect())
    }

    /// The mount that `path` is on: the last one over it or over a directory above it.
    pub(super) fn of(&self, path: &Path) -> Option<&Mount> {
        self.0.iter().rev().find(|mount| path.starts_with(mount.point()))
    }
}

/// What is mounted now, for a process that noted the table when it opened its journal.
#[derive(Debug)]
pub(super) struct Watch {
    noted: Mounts,
    /// The kernel tells by it that the table has changed.
    table: File,
    now: Mutex<Mounts>,
}

impl Watch {
    pub(super) fn start(noted: Mounts) -> io::Result<Self> {
        // Opened first, so that no change is missed.
        let table = File::open(TABLE)?;
        let now = Mutex::new(Mounts::current());
        Ok(Self { noted, table, now })
    }

    /// The mount that `path` is on, unless it is the one that was noted for it.
    pub(super) fn differing(&self, path: &Path) -> Option<Mount> {
        let differing = |now: &Mounts| {
            let mount = now.of(path)?;
            (self.noted.of(path) != Some(mount)).then(|| mount.clone())
        };
        // Not waited for: in a forked child, nobody may ever let go of it.
        let Ok(mut now) = self.now.try_lock() else { return differing(&Mounts::current()) };
        if self.has_changed() {
            *now = Mounts::current();
        }
        differing(&now)
    }

    /// Whether it has changed since this was asked last, or that cannot be told.
    fn has_changed(&self) -> bool {
        let mut table = [PollFd::new(&self.table, PollFlags::PRI)];
        let ready = poll(&mut table, Some(&Timespec::default()));
        !matches!(ready, Ok(0))
    }
}

impl Mount {
    fn parse(line: &[u8]) -> Option<Self> {
        let mut fields = line.split(|byte| *byte == b' ');
        let mut text = |at| fields.nth(at).map(unescape);
        let device = String::from_utf8(text(2)?).ok()?;
        let (root, point) = (text(0)?, text(0)?);
        // Optional fields, as many as there are, end with a lone hyphen.
        fields.find(|field| *field == b"-")?;
        let mut text = || fields.next().map(unescape);
        let kind = String::from_utf8(text()?).ok()?;
        let source = text()?;
        let layers = if kind == "overlay" { text()? } else { Vec::new() };
        Some(Self { device, root, point, kind, source, layers })
    }

    fn point(&self) -> &Path {
        Path::new(std::ffi::OsStr::from_bytes(&self.point))
    }

    /// Whether both show the same directory of the same filesystem in the same place.
    pub(super) fn shows_the_same(&self, other: &Self, rebooted: bool) -> bool {
        let same_filesystem = if !rebooted && self.device == other.device {
            true
        } else {
            // Names that last. A memory filesystem has none: each is another one.
            !self.is_volatile()
                && self.kind == other.kind
                && self.source == other.source
                && self.layers == other.layers
        };
        same_filesystem && self.point == other.point && self.root == other.root
    }

    /// Whether its content ends with the system.
    pub(super) fn is_volatile(&self) -> bool {
        matches!(&*self.kind, "tmpfs" | "ramfs" | "devtmpfs" | "rootfs" | "proc" | "sysfs")
    }

    /// For messages.
    pub(super) fn describe(&self) -> String {
        let source = PathBuf::from(std::ffi::OsString::from_vec(self.source.clone()));
        format!("{} from {} at {}", self.kind, source.display(), self.point().display())
    }
}

/// Undoes the octal escapes of spaces, newlines and backslashes.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        let code = match rest {
            [b'\\', code @ ..] => code.get(..3).and_then(|code| std::str::from_utf8(code).ok()),
            _ => None,
        };
        match code.and_then(|code| u8::from_str_radix(code, 8).ok()) {
            Some(byte) => {
                plain.push(byte);
                rest = &rest[4..];
            }
            None => {
                plain.push(*first);
                rest = tail;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests;
