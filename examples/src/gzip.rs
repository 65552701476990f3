//! Compresses a directory: all of it, or nothing.
//!
//! [`gzip_dir`] builds the new tree in a scratch directory beside the target and renames it into
//! place at the very end. Whatever ends it before, an error, a panic in a worker, a cancelled
//! token, removes the scratch directory.

mod error;
mod limit;
mod place;
mod tree;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use backstop::{CancelToken, cancel_token, must_cleanup, no_exit, scoped_spawn};
use flate2::Compression;
use flate2::write::GzEncoder;

pub use self::error::Error;
use self::limit::{Limit, Limited};
use self::tree::{Found, Tree};

/// What is to be compressed, and how.
#[derive(Debug, Clone)]
pub struct Job {
    /// The directory to compress.
    pub source: PathBuf,
    /// The directory to make; it must not exist yet.
    pub target: PathBuf,
    /// How many files are compressed at once.
    pub jobs: NonZero<usize>,
    /// How many bytes all compressed files may have together.
    pub max_bytes: Option<u64>,
}

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// The source has been listed.
    Listed {
        /// The number of regular files.
        files: usize,
        /// The sum of their sizes in bytes.
        bytes: u64,
    },
    /// Something is left out.
    Skipped {
        /// Its path below the source.
        path: &'a Path,
        /// What it is.
        what: &'static str,
    },
    /// A worker begins with a file, named by its path below the source.
    Started(&'a Path),
    /// That many more bytes have been read.
    Read(u64),
    /// A file is done.
    Finished(&'a Path),
}

/// What a finished job has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// The number of files compressed.
    pub files: usize,
    /// The sum of their sizes in bytes.
    pub read: u64,
    /// The sum of the compressed files' sizes in bytes.
    pub written: u64,
}

/// What is told of each [`Step`], on the thread that makes it.
pub type Report<'a> = dyn Fn(Step<'_>) + Sync + 'a;

/// Compresses every regular file of `job.source` into a new directory, `job.target`.
///
/// Directories are kept, empty ones too, and so are the permissions of both and the files' times.
/// Symbolic links and special files are left out, and reported. The work stops early where the
/// [ambient token](cancel_token) is cancelled.
///
/// # Errors
///
/// An [`Error`] for the first file that could not be read or written, for a target that exists or
/// cannot be made, and for a limit that is exceeded. Nothing is left of the target then.
///
/// # Panics
///
/// Where `report` panics. Nothing is left of the target then either.
#[must_cleanup]
#[no_exit]
pub fn gzip_dir(job: &Job, report: &Report<'_>) -> Result<Summary, Error> {
    let source = tree::source(&job.source)?;
    let target = place::new_target(&job.target, &source)?;
    let tree = Tree::list(&source, report)?;
    report(Step::Listed { files: tree.files.len(), bytes: tree.bytes() });

    #[cleanup(place::discard(&scratch, &tree.directories), on = failure)]
    let scratch = place::scratch_beside(&target)?;

    tree.make_directories(&scratch)?;
    let limit = Limit::new(job.max_bytes);
    let read = compress_all(&tree, &scratch, job.jobs, &limit, report)?;
    tree.finish_directories(&scratch)?;
    place::rename_new(&scratch, &target)?;
    Ok(Summary { files: tree.files.len(), read, written: limit.used() })
}

/// Compresses every file, each in a thread of its own, and gives the number of bytes read.
///
/// A function of its own, because the scratch directory must outlive the threads: a function's
/// cleanups run when its body ends, and the scope joins its children after that.
#[scoped_spawn(limit = jobs.get())]
fn compress_all(
    tree: &Tree,
    scratch: &Path,
    jobs: NonZero<usize>,
    limit: &Limit,
    report: &Report<'_>,
) -> Result<u64, Error> {
    let token = cancel_token();
    let mut workers = Vec::with_capacity(tree.files.len());
    for file in &tree.files {
        if token.is_cancelled() {
            break;
        }
        workers.push(thread::spawn(move || {
            let token = cancel_token();
            let result = compress(tree, file, scratch, limit, &token, report);
            // An error returned is the worker's own business: its siblings are to be told.
            result.inspect_err(|_| token.cancel())
        }));
    }
    let mut read = 0;
    let mut failure: Option<Error> = None;
    for worker in workers {
        match worker.join() {
            Ok(Ok(bytes)) => read += bytes,
            Ok(Err(error)) => {
                failure = Some(match failure {
                    None => error,
                    Some(first) => first.or(error),
                });
            }
            Err(payload) => resume_unwind(payload),
        }
    }
    match failure {
        Some(error) => Err(error),
        None => Ok(token.check().map(|()| read)?),
    }
}

/// Compresses one file, and gives the number of bytes read.
#[no_exit]
fn compress(
    tree: &Tree,
    file: &Found,
    scratch: &Path,
    limit: &Limit,
    token: &CancelToken,
    report: &Report<'_>,
) -> Result<u64, Error> {
    const CHUNK: usize = 64 * 1024;

    report(Step::Started(&file.path));
    let path = tree.source.join(&file.path);
    let read_error = |source| Error::Read { path: path.clone(), source };
    let (mut input, metadata) = place::open_regular(&path).map_err(read_error)?;

    let new = scratch.join(file.compressed());
    let write_error = |source| Error::writing(&path, limit, source);
    let output = File::create_new(&new).map_err(write_error)?;
    let mut encoder = GzEncoder::new(Limited::new(output, limit), Compression::default());

    let mut chunk = vec![0; CHUNK];
    let mut total = 0;
    loop {
        token.check()?;
        let length = match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(read_error(error)),
        };
        encoder.write_all(&chunk[..length]).map_err(write_error)?;
        total += length as u64;
        report(Step::Read(length as u64));
    }
    let output = encoder.finish().map_err(write_error)?.into_inner();
    place::copy_attributes(&metadata, &output).map_err(write_error)?;
    report(Step::Finished(&file.path));
    Ok(total)
}
