//! Actions as bytes, for a journal that another version of this crate may read.
//!
//! The format says nothing about itself: fields follow each other without their names, and what is
//! read with other fields than it was written with may well be another, valid action. So whoever
//! keeps bytes keeps [`VERSION`] beside them.

use std::io;

use super::Prepared;

/// The version of what [`encode`] writes. To be raised whenever the bytes of any action change;
/// the test `golden` tells.
pub(crate) const VERSION: u32 = 2;

/// The oldest version that [`decode`] still reads. The bytes of version 0, before there was a
/// number, were not always the same. Version 1 knew fewer marks of a file.
const OLDEST: u32 = 1;

/// Why actions of another version are not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// Only a newer version of this crate knows them.
    Newer,
    /// They were written by one too old.
    Older,
}

/// Whether the actions of this version can be read.
pub(crate) fn check(version: u32) -> Result<(), Unknown> {
    match version {
        ..OLDEST => Err(Unknown::Older),
        OLDEST..=VERSION => Ok(()),
        _ => Err(Unknown::Newer),
    }
}

pub(crate) fn encode(action: &Prepared) -> io::Result<Vec<u8>> {
    postcard::to_allocvec(action).map_err(io::Error::other)
}

/// The action, of a version that was [checked](check); `None` if the bytes are none.
pub(crate) fn decode(bytes: &[u8]) -> Option<Prepared> {
    match postcard::take_from_bytes(bytes) {
        Ok((action, [])) => Some(action),
        _ => None,
    }
}

#[cfg(test)]
mod golden;
