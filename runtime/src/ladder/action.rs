//! What can be done for a process that is gone. (A stand-in for the tests of the reaper.)

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// A cleanup as data: it can be performed by another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action(Kind);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    RemoveFile(Bytes, Option<(u64, u64)>),
    Run(Vec<Vec<u8>>),
}

/// Written at once, not byte by byte.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self)
    }
}

impl Action {
    /// Removes a file.
    pub fn remove_file(path: impl AsRef<Path>) -> Self {
        Self(Kind::RemoveFile(Bytes(path.as_ref().as_os_str().as_bytes().to_vec()), None))
    }

    /// Runs a command.
    #[must_use]
    pub fn run(command: &Command) -> Self {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        Self(Kind::Run(words.map(|word| word.as_bytes().to_vec()).collect()))
    }

    /// Makes the paths absolute, before the thing itself need exist: the intent.
    #[allow(clippy::unnecessary_wraps, reason = "the real one can fail")]
    pub(crate) fn prepare(self) -> io::Result<Prepared> {
        Ok(Prepared(self))
    }
}

/// An action that can be handed to another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Prepared(Action);

/// How an action ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Performed {
    /// It was done.
    Done,
    /// There was nothing left to do.
    Gone,
    /// It is not surely ours, for this reason.
    LeftAlone(String),
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

impl Prepared {
    /// Notes the identity of the thing, which exists now.
    pub(crate) fn commit(&mut self) -> io::Result<()> {
        if let Kind::RemoveFile(path, committed) = &mut self.0.0 {
            *committed = Some(identity(Path::new(OsStr::from_bytes(&path.0)))?);
        }
        Ok(())
    }

    /// Does it. May be called again after any interruption.
    pub(crate) fn perform(&self) -> io::Result<Performed> {
        match &self.0.0 {
            Kind::RemoveFile(path, committed) => {
                let path = Path::new(OsStr::from_bytes(&path.0));
                let identity = match identity(path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        return Ok(Performed::Gone);
                    }
                    identity => identity?,
                };
                if *committed != Some(identity) {
                    return Ok(Performed::LeftAlone("another file".to_owned()));
                }
                fs::remove_file(path)?;
            }
            Kind::Run(words) => {
                let mut words = words.iter().map(|word| OsStr::from_bytes(word));
                let program = words.next().ok_or(io::ErrorKind::InvalidData)?;
                Command::new(program).args(words).status()?;
            }
        }
        Ok(Performed::Done)
    }
}
