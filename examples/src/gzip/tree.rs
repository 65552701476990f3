//! The source as it was listed, and its directories in the new tree.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::path::{Path, PathBuf};

use super::{Error, Report, Step};

/// What lies below the source.
pub(super) struct Tree {
    pub(super) source: PathBuf,
    /// Every directory, each after the one that it lies in; the first is the source itself.
    pub(super) directories: Vec<Directory>,
    pub(super) files: Vec<Found>,
}

pub(super) struct Directory {
    /// Below the source.
    pub(super) path: PathBuf,
    permissions: Permissions,
}

/// A regular file.
pub(super) struct Found {
    /// Below the source.
    pub(super) path: PathBuf,
    bytes: u64,
}

impl Found {
    /// The path of its compressed copy, below the target.
    pub(super) fn compressed(&self) -> PathBuf {
        let mut path = OsString::from(&self.path);
        path.push(".gz");
        path.into()
    }
}

/// The source, by a path that stays what it is.
pub(super) fn source(path: &Path) -> Result<PathBuf, Error> {
    let read_error = |source| Error::Read { path: path.to_owned(), source };
    let source = fs::canonicalize(path).map_err(read_error)?;
    if !fs::metadata(&source).map_err(read_error)?.is_dir() {
        return Err(Error::NotADirectory { path: path.to_owned() });
    }
    Ok(source)
}

impl Tree {
    pub(super) fn list(source: &Path, report: &Report<'_>) -> Result<Self, Error> {
        let mut tree =
            Self { source: source.to_owned(), directories: Vec::new(), files: Vec::new() };
        let mut left = vec![PathBuf::new()];
        while let Some(directory) = left.pop() {
            tree.list_directory(directory, &mut left, report)?;
        }
        tree.same_names()?;
        Ok(tree)
    }

    fn list_directory(
        &mut self,
        directory: PathBuf,
        left: &mut Vec<PathBuf>,
        report: &Report<'_>,
    ) -> Result<(), Error> {
        let full = self.source.join(&directory);
        let read_error = |path: &Path, source| Error::Read { path: path.to_owned(), source };
        let permissions =
            fs::metadata(&full).map_err(|error| read_error(&full, error))?.permissions();
        let mut entries = fs::read_dir(&full)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| read_error(&full, error))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = directory.join(entry.file_name());
            // Of the entry itself, not of what a link leads to.
            let metadata = entry.metadata().map_err(|error| read_error(&entry.path(), error))?;
            if metadata.is_dir() {
                left.push(path);
            } else if metadata.is_file() {
                self.files.push(Found { path, bytes: metadata.len() });
            } else {
                let what =
                    if metadata.is_symlink() { "a symbolic link" } else { "not a regular file" };
                report(Step::Skipped { path: &path, what });
            }
        }
        self.directories.push(Directory { path: directory, permissions });
        Ok(())
    }

    /// `a` becomes `a.gz`, which a directory may be called already.
    fn same_names(&self) -> Result<(), Error> {
        let directories: HashSet<&Path> =
            self.directories.iter().map(|directory| directory.path.as_path()).collect();
        match self.files.iter().find(|file| directories.contains(&*file.compressed())) {
            None => Ok(()),
            Some(file) => Err(Error::SameName {
                file: self.source.join(&file.path),
                directory: self.source.join(file.compressed()),
            }),
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Makes the directories below the scratch directory, which stands for the source.
    pub(super) fn make_directories(&self, scratch: &Path) -> Result<(), Error> {
        for Directory { path, .. } in self.directories.iter().skip(1) {
            fs::create_dir(scratch.join(path))
                .map_err(|source| Error::Write { path: self.source.join(path), source })?;
        }
        Ok(())
    }

    /// Gives the directories their permissions, the innermost first: one that is read-only takes
    /// no more files.
    pub(super) fn finish_directories(&self, scratch: &Path) -> Result<(), Error> {
        for Directory { path, permissions } in self.directories.iter().rev() {
            fs::set_permissions(scratch.join(path), permissions.clone())
                .map_err(|source| Error::Write { path: self.source.join(path), source })?;
        }
        Ok(())
    }
}
