//! What can go wrong, each with the file it is about and what to do.

use std::io;
use std::path::{Path, PathBuf};

use backstop::Cancelled;

use super::limit::{Full, Limit};

/// Why a directory was not compressed. Nothing is left of the target.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The source is not a directory.
    #[error("`{}` is not a directory", .path.display())]
    NotADirectory {
        /// The source.
        path: PathBuf,
    },
    /// A file or a directory of the source cannot be read.
    #[error("cannot read `{}`: {source}", .path.display())]
    Read {
        /// The file or the directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file's compressed copy cannot be written.
    #[error("cannot write the compressed copy of `{}`: {source}", .path.display())]
    Write {
        /// The file of the source.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The compressed files have more bytes than allowed.
    #[error("the limit of {limit} bytes was reached at `{}`", .path.display())]
    Full {
        /// The file of the source that did not fit.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// The target is there already.
    #[error("`{}` exists already", .path.display())]
    TargetExists {
        /// The target.
        path: PathBuf,
    },
    /// The target lies inside the source, where the next run would compress it again.
    #[error("`{}` lies inside the directory to compress", .path.display())]
    TargetInside {
        /// The target.
        path: PathBuf,
    },
    /// The target cannot be made where it is to be.
    #[error("cannot make `{}`: {source}", .path.display())]
    Target {
        /// The target, or the directory that it is to be in.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file and a directory would have the same name in the target.
    #[error("`{}` and the directory `{}` would have the same name in the target", .file.display(), .directory.display())]
    SameName {
        /// The file.
        file: PathBuf,
        /// The directory, which is named like the file with `.gz` behind it.
        directory: PathBuf,
    },
    /// The ambient token was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Error {
    /// What to do about it, in one line.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::NotADirectory { .. } => "name the directory whose files are to be compressed",
            Self::Read { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => "run again when no other program changes the directory",
                io::ErrorKind::PermissionDenied => "make it readable, or move it elsewhere",
                _ => "check the file, or move it elsewhere",
            },
            Self::Write { .. } => "check the space and the permissions where the target is to be",
            Self::Full { .. } => "raise `--max-bytes`, or compress fewer files",
            Self::TargetExists { .. } => "remove it, or name another target with `--out`",
            Self::TargetInside { .. } => "name a target elsewhere with `--out`",
            Self::Target { .. } => "name a target with `--out` that you can make",
            Self::SameName { .. } => "rename one of the two",
            Self::Cancelled(_) => "run it again",
        }
    }

    pub(super) fn writing(path: &Path, limit: &Limit, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.get_ref().and_then(|inner| inner.downcast_ref::<Full>()) {
            Some(Full) => Self::Full { path, limit: limit.bytes() },
            None => Self::Write { path, source },
        }
    }

    /// Of two errors the first, unless it only tells that the other one stopped the work.
    pub(super) fn or(self, second: Self) -> Self {
        if matches!(self, Self::Cancelled(_)) { second } else { self }
    }
}
