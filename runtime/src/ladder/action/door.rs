//! What the tests of the ladder do with actions in processes of their own.

use std::io;
use std::os::fd::AsFd;

use super::{Action, Performed, Prepared};

/// The action as another process gets it, committed or only announced.
pub fn encode(action: Action, commit: bool) -> io::Result<Vec<u8>> {
    let mut prepared = action.prepare()?;
    if commit {
        prepared.commit()?;
    }
    postcard::to_allocvec(&prepared).map_err(io::Error::other)
}

/// Performs it, and says how it ended in one or two words and a reason.
pub fn perform(encoded: &[u8]) -> io::Result<String> {
    let prepared: Prepared = postcard::from_bytes(encoded).map_err(io::Error::other)?;
    Ok(match prepared.perform()? {
        Performed::Done => "done".to_owned(),
        Performed::Gone => "gone".to_owned(),
        Performed::LeftAlone(why) => format!("left alone: {why}"),
    })
}

/// The same, committed by a descriptor.
pub fn encode_fd(action: Action, fd: impl AsFd) -> io::Result<Vec<u8>> {
    let mut prepared = action.prepare()?;
    prepared.commit_fd(fd.as_fd())?;
    postcard::to_allocvec(&prepared).map_err(io::Error::other)
}
