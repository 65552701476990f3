//! Actions as bytes, for a journal that another version of this crate may read.
//!
//! The format says nothing about itself: fields follow each other without their names, and what is
//! read with other fields than it was written with may well be another, valid action. So whoever
//! keeps bytes keeps [`VERSION`] beside them.

use std::io;
use std::ops::Deref;
use std::sync::Arc;

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

/// Room for most actions. They are written here first: into a vector, which might have to grow at each
/// byte, that took twice as long.
const USUAL: usize = 256;

pub(crate) fn encode(action: &Prepared) -> io::Result<Arc<[u8]>> {
    if let Ok(bytes) = postcard::to_slice(action, &mut [0; USUAL]) {
        return Ok((&*bytes).into());
    }
    let bytes = postcard::to_allocvec(action).map_err(|error| {
        io::Error::other(format!("the action cannot be told to others: {error}"))
    })?;
    Ok(bytes.into())
}

/// The action, of a version that was [checked](check); `None` if the bytes are none.
pub(crate) fn decode(bytes: &[u8]) -> Option<Prepared> {
    match postcard::take_from_bytes(bytes) {
        Ok((action, [])) => Some(action),
        _ => None,
    }
}

/// An action with its bytes, which all who keep it share.
#[derive(Debug, Clone)]
pub(crate) struct Encoded {
    bytes: Arc<[u8]>,
    #[cfg(target_os = "linux")]
    is_plain: bool,
    action: Prepared,
}

impl Encoded {
    pub(crate) fn new(action: Prepared) -> io::Result<Self> {
        Ok(Self {
            bytes: encode(&action)?,
            #[cfg(target_os = "linux")]
            is_plain: action.is_plain(),
            action,
        })
    }

    /// Changes the action. If that fails, both are as before.
    pub(crate) fn update(
        &mut self,
        change: impl FnOnce(&mut Prepared) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut action = self.action.clone();
        change(&mut action)?;
        *self = Self::new(action)?;
        Ok(())
    }

    /// Whether its bytes are all that another process needs. (Kept beside them: the action itself is in
    /// memory that no cache has.)
    #[cfg(target_os = "linux")]
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }

    pub(crate) fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }
}

impl Deref for Encoded {
    type Target = Prepared;

    fn deref(&self) -> &Prepared {
        &self.action
    }
}

#[cfg(test)]
mod golden;
