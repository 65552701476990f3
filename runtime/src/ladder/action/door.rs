//! What the tests of the ladder do with actions in processes of their own.

use std::io;
use std::os::fd::AsFd;

use super::{Action, Performed, encoding};

/// The action as another process gets it, committed or only announced.
pub fn encode(action: Action, commit: bool) -> io::Result<Vec<u8>> {
    let mut prepared = action.prepare()?;
    if commit {
        prepared.commit()?;
    }
    Ok(encoding::encode(&prepared)?.to_vec())
}

/// Performs it, and says how it ended in one or two words and a reason.
pub fn perform(encoded: &[u8]) -> io::Result<String> {
    let prepared = encoding::decode(encoded).ok_or_else(|| io::Error::other("no action"))?;
    Ok(match prepared.perform()? {
        Performed::Done => "done".to_owned(),
        Performed::Gone => "gone".to_owned(),
        Performed::LeftAlone(why) | Performed::Hidden(why) => format!("left alone: {why}"),
    })
}

/// The same, committed by a descriptor.
pub fn encode_fd(action: Action, fd: impl AsFd) -> io::Result<Vec<u8>> {
    let mut prepared = action.prepare()?;
    prepared.commit_fd(fd.as_fd())?;
    Ok(encoding::encode(&prepared)?.to_vec())
}
