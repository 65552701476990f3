//! Looking at what is on the machine's disk.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use crate::said::{Said, Whose};

/// Where things are made.
pub const ARENA: &str = "/disk/arena";
/// Where things are made that only the reaper knows of.
pub const KILL: &str = "/disk/kill";
/// Where the stranger puts what it takes away.
pub const TAKEN: &str = "/disk/taken";
/// The journal.
const JOURNAL: &str = "/disk/state/journal";

/// What is in things of ours.
pub const OURS: &str = "ours";
/// The attribute that they have.
pub const MARK: &str = "user.backstop.id";
/// The file in a directory that says whose it is.
pub const LABEL: &str = "label";

/// Performs what the journal holds, opens it, and says what is there then.
///
/// # Errors
///
/// If that cannot be done.
pub fn at_everything() -> io::Result<()> {
    let recovery = backstop::journal::open_in(JOURNAL)?;
    let recovered = Said::Recovered {
        performed: recovery.performed.len(),
        gone: recovery.gone.len(),
        failed: recovery
            .failed
            .into_iter()
            .map(|it| format!("{}: {}", it.what, it.error))
            .collect(),
        left: recovery.left_alone.into_iter().map(|it| (it.what, it.reason, it.kept)).collect(),
    };
    recovered.say()?;
    Said::Journal(names(JOURNAL)?).say()?;
    for directory in [ARENA, KILL, TAKEN] {
        fs::create_dir_all(directory)?;
    }
    for name in names(ARENA)? {
        let whose = whose(&Path::new(ARENA).join(&name))?;
        Said::Found(name, whose).say()?;
    }
    Said::LeftAtKill(names(KILL)?.len()).say()?;
    Said::Looked.say()
}

/// Removes whatever is there, ours or not.
///
/// # Errors
///
/// If that cannot be done.
pub fn clear() -> io::Result<()> {
    for directory in [ARENA, KILL, TAKEN] {
        fs::remove_dir_all(directory)?;
        fs::create_dir(directory)?;
    }
    Ok(())
}

/// Returns once the names in a directory are on the disk.
///
/// # Errors
///
/// If they cannot be written.
pub fn on_disk(directory: &str) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn names(directory: &str) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(directory)?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn whose(path: &Path) -> io::Result<Whose> {
    let kind = fs::symlink_metadata(path)?.file_type();
    // The stranger makes none.
    if kind.is_socket() {
        return Ok(Whose::Ours);
    }
    let label = if kind.is_dir() { path.join(LABEL) } else { path.to_owned() };
    let label = match fs::read_to_string(label) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        label => label?,
    };
    let marked = rustix::fs::lgetxattr(path, MARK, &mut [0_u8; 16]).is_ok();
    Ok(match label.parse() {
        Ok(number) => Whose::Stranger(number),
        Err(_) if marked || label == OURS => Whose::Ours,
        Err(_) => Whose::Unknown,
    })
}
