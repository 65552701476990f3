//! Where `kill_churn` and `kill_stranger` meet, and how the test tells their things apart.

use std::fmt;
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, StatxFlags, statx};
use rustix::path::Arg;

/// The names that both want, in every ground.
pub const NAMES: [&str; 8] = ["n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7"];

/// The directories in which things are made. The stranger exchanges `swap` with a link to `victim`
/// and back; whoever makes something in `swap` at that time makes it in `victim`.
pub const GROUNDS: [&str; 5] = ["kill", "reboot", "exit", "swap", "victim"];

/// Which thing: a number that is used again, and when it was born.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity(u64, i64, u32);

impl Identity {
    /// That of what has the name; of a link itself. `None` if nothing has it.
    pub fn of(dir: impl AsFd, name: impl Arg) -> Option<Self> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let stat = statx(dir, name, flags, StatxFlags::INO | StatxFlags::BTIME).ok()?;
        Some(Self(stat.stx_ino, stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec))
    }
}

/// In one word.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(inode, seconds, nanoseconds) = self;
        write!(f, "{inode}:{seconds}.{nanoseconds:09}")
    }
}
