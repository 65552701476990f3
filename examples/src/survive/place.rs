//! Where a cell's process works.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::table::Table;
use super::{Column, ROWS, Row};

/// Makes the directory that all cells of a run lie in.
pub(super) fn of_all_cells() -> io::Result<PathBuf> {
    let usual = env::temp_dir();
    // A journal refuses to be in memory, where it would be lost with the machine.
    let directory = if is_in_memory(&usual) {
        env::current_exe()?.parent().map_or(usual, Path::to_owned)
    } else {
        usual
    };
    // A journal knows paths as the kernel does.
    let directory = directory.canonicalize()?;
    // Who asks for it removes it, also when a signal ends the run.
    tempfile::Builder::new().prefix("backstop-survive-").tempdir_in(directory).map(TempDir::keep)
}

fn is_in_memory(directory: &Path) -> bool {
    const TMPFS_MAGIC: u64 = 0x0102_1994;
    // The field's type differs between architectures.
    #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss, reason = "a bit pattern")]
    rustix::fs::statfs(directory).is_ok_and(|found| found.f_type as u64 == TMPFS_MAGIC)
}

/// The directory of one cell, whose name says which.
#[derive(Debug)]
pub(super) struct Cell {
    path: PathBuf,
}

impl Cell {
    pub(super) fn create(all: &Path, row: &Row, column: Column) -> io::Result<Self> {
        let cell = Self { path: all.join(format!("{}.{}", row.name, column.name())) };
        fs::create_dir(&cell.path)?;
        fs::create_dir(cell.resources())?;
        fs::create_dir(cell.state())?;
        File::create(cell.stderr())?;
        Ok(cell)
    }

    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn names(&self) -> Option<(&'static Row, Column)> {
        let (row, column) = self.path.file_name()?.to_str()?.split_once('.')?;
        let row = ROWS.iter().find(|known| known.name == row)?;
        let mut columns = Table::ALL.into_iter().flat_map(Table::columns);
        let column = *columns.find(|known| known.name() == column)?;
        Some((row, column))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is left in here was left behind.
    pub(super) fn resources(&self) -> PathBuf {
        self.path.join("resources")
    }

    /// Where programs keep what outlives them, the journal among it.
    pub(super) fn state(&self) -> PathBuf {
        self.path.join("state")
    }

    /// What the processes say on stderr.
    pub(super) fn stderr(&self) -> PathBuf {
        self.path.join("stderr")
    }

    /// The names of what is left, directories before what is in them.
    pub(super) fn left(&self) -> Vec<String> {
        let mut names = Vec::new();
        let resources = self.resources();
        let mut directories = vec![resources.clone()];
        while let Some(directory) = directories.pop() {
            // One that goes away meanwhile is not left.
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                let path = entry.path();
                let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
                let name = path.strip_prefix(&resources).unwrap_or(&path).display();
                names.push(if is_directory { format!("{name}/") } else { name.to_string() });
                if is_directory {
                    directories.push(path);
                }
            }
        }
        names.sort();
        names
    }
}
