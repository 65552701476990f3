//! Emptying a directory over descriptors: nothing outside of it is touched, whatever others do to
//! it meanwhile.
//!
//! `std::fs::remove_dir_all` empties what is bind-mounted inside, runs out of descriptors at a
//! depth of about a thousand, and gives up while somebody still writes. This walk opens every
//! directory without following links or crossing mounts, holds at most [`DEPTH`] of them open, and
//! moves what lies deeper up to the top of the tree, where a later pass finds it. It goes no `..`:
//! those can be led astray by moving a directory.

use std::ffi::{CStr, OsStr};
use std::io::{self, ErrorKind};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, Dir, FileType, Mode};
use rustix::io::{Errno, Result};

use super::deadline::Deadline;
use super::open::Opener;
#[cfg(target_os = "linux")]
use super::open::by_number;
use super::place::quoted;
use super::random;
use crate::ladder::exit;

/// How many directories are open at once.
const DEPTH: usize = 24;

/// How often in a row a pass may find nothing and the directory yet not be empty.
const STALLS: u32 = 50;

/// How the removal of a directory ended.
#[derive(Debug)]
pub(super) enum Emptied {
    /// Removed.
    Removed,
    /// Somebody else moved or removed it meanwhile.
    Vanished,
    /// Something is mounted in it, here; the rest is gone.
    Mounted(PathBuf),
}

/// Empties the directory `root`, which is called `name` in `parent`, and removes it.
pub(super) fn remove(
    parent: BorrowedFd<'_>,
    name: &OsStr,
    root: OwnedFd,
    opener: Opener,
    deadline: Deadline,
) -> io::Result<Emptied> {
    let mut stack = vec![Frame::new(name, root)?];
    let mut stalls = 0;
    loop {
        let mut pass = Pass { opener, deadline, changes: 0, problem: None };
        pass.run(&mut stack)?;
        match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
            Ok(()) => return Ok(Emptied::Removed),
            Err(Errno::NOENT) => return Ok(Emptied::Vanished),
            // Something was left, or came meanwhile.
            Err(Errno::NOTEMPTY | Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        if pass.changes > 0 {
            stalls = 0;
            continue;
        }
        match pass.problem {
            Some((path, Errno::XDEV | Errno::BUSY)) => return Ok(Emptied::Mounted(path)),
            Some((path, error)) => {
                let error = io::Error::from(error);
                return Err(io::Error::new(
                    error.kind(),
                    format!("{} in it: {error}", quoted(&path)),
                ));
            }
            None if stalls == STALLS => {
                return Err(io::Error::new(
                    ErrorKind::DirectoryNotEmpty,
                    "it does not become empty: somebody keeps writing to it",
                ));
            }
            None => {
                stalls += 1;
                deadline.sleep(Duration::from_millis(2));
            }
        }
    }
}

/// An open directory on the way down.
struct Frame {
    dir: Dir,
    name: Vec<u8>,
    /// Whether its permissions were widened already.
    unlocked: bool,
}

impl Frame {
    fn new(name: &OsStr, fd: OwnedFd) -> Result<Self> {
        Ok(Self { dir: Dir::new(fd)?, name: name.as_bytes().to_vec(), unlocked: false })
    }

    /// Gives its owner, who we may be, every permission; whether that is worth another try.
    fn unlock(&mut self) -> bool {
        if self.unlocked {
            return false;
        }
        self.unlocked = true;
        let Ok(fd) = self.dir.fd() else { return false };
        let Ok(stat) = rustix::fs::fstat(fd) else { return false };
        rustix::fs::fchmod(fd, opened(Mode::from_raw_mode(stat.st_mode))).is_ok()
    }

    /// Removes an entry, trying again with more permissions.
    fn unlink(&mut self, name: &CStr, flags: AtFlags) -> Result<()> {
        loop {
            match rustix::fs::unlinkat(self.dir.fd()?, name, flags) {
                Err(Errno::ACCESS) if self.unlock() => {}
                other => return other,
            }
        }
    }
}

fn opened(mode: Mode) -> Mode {
    mode | Mode::RWXU
}

/// One walk over the whole tree.
struct Pass {
    opener: Opener,
    deadline: Deadline,
    /// What was removed or moved: as long as there is any, another pass is worth it.
    changes: u64,
    /// The first entry that could not be removed, and why.
    problem: Option<(PathBuf, Errno)>,
}

impl Pass {
    /// Walks the tree whose top is the only frame of `stack`, and leaves that frame there.
    fn run(&mut self, stack: &mut Vec<Frame>) -> io::Result<()> {
        while let Some(top) = stack.last_mut() {
            // At the process's end, so that what is left gets its name back before.
            if self.deadline.passed() || exit::is_nearly_over() {
                return Err(io::Error::new(
                    ErrorKind::TimedOut,
                    "there was no time to remove all that is in it",
                ));
            }
            let entry = match top.dir.read() {
                Some(Ok(entry)) => entry,
                Some(Err(error)) => {
                    self.note(stack, None, error);
                    if Self::leave(self, stack) {
                        return Ok(());
                    }
                    continue;
                }
                None => {
                    if Self::leave(self, stack) {
                        return Ok(());
                    }
                    continue;
                }
            };
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            match self.entry(stack, name, entry.file_type()) {
                Ok(None) => self.changes += 1,
                Ok(Some(child)) => stack.push(child),
                // Somebody else was faster.
                Err(Errno::NOENT) => {}
                Err(error) => self.note(stack, Some(name), error),
            }
        }
        Ok(())
    }

    /// Leaves the directory on top, which was read to its end. Whether it was the topmost.
    fn leave(&mut self, stack: &mut Vec<Frame>) -> bool {
        if let [root] = &mut stack[..] {
            root.dir.rewind();
            return true;
        }
        let Some(done) = stack.pop() else { return true };
        let Some(parent) = stack.last_mut() else { return true };
        // Its descriptor is closed first: some network file systems keep what is open.
        drop(done.dir);
        // From `readdir`: there is no NUL in it.
        let Ok(name) = std::ffi::CString::new(done.name) else { return false };
        match parent.unlink(&name, AtFlags::REMOVEDIR) {
            Ok(()) => self.changes += 1,
            // Not empty: the next pass sees why.
            Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => {}
            Err(error) => self.note(stack, Some(&name), error),
        }
        false
    }

    /// Removes an entry of the directory on top, or opens it if it is a directory to walk.
    fn entry(&mut self, stack: &mut [Frame], name: &CStr, kind: FileType) -> Result<Option<Frame>> {
        let depth = stack.len();
        let [root, .., top] = stack else {
            let [root] = stack else { return Err(Errno::INVAL) };
            return Self::entry_of(self, None, root, depth, name, kind);
        };
        Self::entry_of(self, Some(root), top, depth, name, kind)
    }

    fn entry_of(
        &mut self,
        root: Option<&Frame>,
        top: &mut Frame,
        depth: usize,
        name: &CStr,
        kind: FileType,
    ) -> Result<Option<Frame>> {
        let kind = match kind {
            FileType::Unknown => {
                let stat = rustix::fs::statat(top.dir.fd()?, name, AtFlags::SYMLINK_NOFOLLOW)?;
                FileType::from_raw_mode(stat.st_mode)
            }
            known => known,
        };
        if kind != FileType::Directory {
            return match top.unlink(name, AtFlags::empty()) {
                Ok(()) => Ok(None),
                // A directory took its place. (Other systems than Linux say `EPERM`.)
                Err(Errno::ISDIR) => self.descend(root, top, depth, name),
                Err(error) => Err(error),
            };
        }
        match self.descend(root, top, depth, name) {
            // A link or a file took its place.
            Err(Errno::NOTDIR | Errno::LOOP) => top.unlink(name, AtFlags::empty()).map(|()| None),
            other => other,
        }
    }

    /// Opens a directory to walk it next, or moves it up if there are enough open ones.
    fn descend(
        &mut self,
        root: Option<&Frame>,
        top: &mut Frame,
        depth: usize,
        name: &CStr,
    ) -> Result<Option<Frame>> {
        if let (Some(root), true) = (root, depth >= DEPTH) {
            return self.move_up(root, top, name).map(|()| None);
        }
        match self.open(top, name) {
            Ok(fd) => Frame::new(OsStr::from_bytes(name.to_bytes()), fd).map(Some),
            Err(Errno::MFILE | Errno::NFILE) if root.is_some() => {
                // As above, only earlier.
                let Some(root) = root else { return Err(Errno::MFILE) };
                self.move_up(root, top, name).map(|()| None)
            }
            Err(error) => Err(error),
        }
    }

    fn open(&self, top: &mut Frame, name: &CStr) -> Result<OwnedFd> {
        loop {
            match self.opener.child(top.dir.fd()?, name) {
                Err(Errno::ACCESS) if top.unlock() => {}
                Err(Errno::ACCESS) => return self.unlock_child(top, name),
                other => return other,
            }
        }
    }

    /// Opens a directory that its owner, who we may be, may not read.
    #[cfg(target_os = "linux")]
    fn unlock_child(&self, top: &Frame, name: &CStr) -> Result<OwnedFd> {
        use std::os::fd::AsFd as _;

        use rustix::fs::OFlags;

        let fd = self.opener.child_to_stand_on(top.dir.fd()?, name)?;
        let mode = Mode::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode);
        rustix::fs::chmod(by_number(fd.as_fd()), opened(mode))?;
        rustix::fs::openat(
            &fd,
            ".",
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
    }

    #[cfg(not(target_os = "linux"))]
    fn unlock_child(&self, top: &Frame, name: &CStr) -> Result<OwnedFd> {
        rustix::fs::chmodat(top.dir.fd()?, name, Mode::RWXU, AtFlags::SYMLINK_NOFOLLOW)?;
        self.opener.child(top.dir.fd()?, name)
    }

    /// Moves a directory to the top of the tree, under a name that nobody has.
    fn move_up(&self, root: &Frame, top: &mut Frame, name: &CStr) -> Result<()> {
        let id = random::id().map_err(|_| Errno::IO)?;
        let new = random::name(&id);
        let mut tried = false;
        loop {
            match rustix::fs::renameat(top.dir.fd()?, name, root.dir.fd()?, &new) {
                Err(Errno::ACCESS) if top.unlock() => {}
                // It changes its `..`, which needs a permission of its own.
                Err(Errno::ACCESS) if !tried => {
                    tried = true;
                    drop(self.unlock_child(top, name)?);
                }
                other => return other,
            }
        }
    }

    fn note(&mut self, stack: &[Frame], name: Option<&CStr>, error: Errno) {
        if self.problem.is_none() {
            let mut path: PathBuf = stack
                .iter()
                .skip(1)
                .map(|frame| Path::new(OsStr::from_bytes(&frame.name)))
                .collect();
            path.extend(name.map(|name| Path::new(OsStr::from_bytes(name.to_bytes()))));
            self.problem = Some((path, error));
        }
    }
}
