//! Who keeps a registration outside of this process's memory.

use std::io;

use super::action::encoding::Encoded;

/// A rung above the exit hook. Calls come from any thread, and from drop paths: each has a deadline
/// of its own, and none panics.
pub(crate) trait Keeper: Send + Sync {
    /// What is about to be created. Durable, in this keeper's sense, when this returns.
    fn intend(&self, key: u64, action: &Encoded) -> io::Result<()>;
    /// It exists now, and `action` has its identity. What existed before it was registered begins
    /// with this.
    fn commit(&self, key: u64, action: &Encoded) -> io::Result<()>;
    /// It is not to be cleaned up any more: durable when this returns.
    fn forget(&self, key: u64) -> io::Result<()>;
    /// It was removed in this process, or was gone, or somebody else's thing was in its place. That is not
    /// on the disk yet: whoever outlives a power cut has to look again after one.
    fn done(&self, key: u64) -> io::Result<()>;
}
