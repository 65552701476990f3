//! Actions against everything that may stand in their way.

mod input;
mod ownership;
mod processes;
mod programs;
mod trees;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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
