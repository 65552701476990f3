//! Actions against everything that may stand in their way.

mod filesystems;
mod input;
mod ownership;
mod processes;
mod programs;
mod trees;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{Action, Performed, Prepared};

/// A directory to play in, by its real name.
struct Yard {
    path: PathBuf,
    _dir: TempDir,
}

impl Yard {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { path: fs::canonicalize(dir.path()).unwrap(), _dir: dir }
    }

    fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    fn names(&self) -> Vec<String> {
        names(&self.path)
    }
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A mount of a test, taken off again in any case.
struct Mount(PathBuf);

impl Mount {
    /// `None`, with a word on it, where this is not permitted.
    fn bind(from: &Path, to: &Path) -> Option<Self> {
        Self::new(&["--bind", from.to_str()?], to)
    }

    fn new(arguments: &[&str], to: &Path) -> Option<Self> {
        let status = Command::new("mount").args(arguments).arg(to).stderr(Stdio::null()).status();
        let mount = status.is_ok_and(|status| status.success()).then(|| Self(to.to_owned()));
        if mount.is_none() {
            eprintln!("skipped: `mount {}` is not permitted", arguments.join(" "));
        }
        mount
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// What another process reads.
fn sent(prepared: &Prepared) -> Prepared {
    postcard::from_bytes(&postcard::to_allocvec(prepared).unwrap()).unwrap()
}

/// The action on a thing that exists, as another process has it.
fn committed(action: Action) -> Prepared {
    let mut prepared = action.prepare().unwrap();
    prepared.commit().unwrap();
    assert!(prepared.is_committed());
    sent(&prepared)
}

#[track_caller]
fn hidden(performed: io::Result<Performed>) -> String {
    match performed.unwrap() {
        Performed::Hidden(why) => why,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn left_alone(performed: io::Result<Performed>) -> String {
    match performed.unwrap() {
        Performed::LeftAlone(why) => why,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn done(performed: io::Result<Performed>) {
    assert_eq!(performed.unwrap(), Performed::Done);
}

#[track_caller]
fn gone(performed: io::Result<Performed>) {
    assert_eq!(performed.unwrap(), Performed::Gone);
}
