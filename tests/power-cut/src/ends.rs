//! The ways in which the machine, or the program in it, ends.

use std::fmt;
use std::str::FromStr;

/// How a start of the machine ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// The power is cut from outside. Until then, things are made and removed.
    Cut,
    /// `SIGTERM`, then an orderly restart.
    Restart,
    /// `echo b > /proc/sysrq-trigger`: a restart at once, nothing is written any more.
    Reset,
    /// `echo c > /proc/sysrq-trigger`: a panic of the kernel, which then restarts.
    Panic,
    /// The program uses up the memory, and the kernel kills it.
    Memory,
    /// Another program does, and the kernel kills the reaper first.
    MemoryReaper,
    /// It does nothing but look.
    Stop,
}

impl End {
    /// All but the power cut and the end of them all.
    pub const OTHERS: [Self; 5] =
        [Self::Restart, Self::Reset, Self::Panic, Self::Memory, Self::MemoryReaper];

    fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Restart => "restart",
            Self::Reset => "reset",
            Self::Panic => "panic",
            Self::Memory => "memory",
            Self::MemoryReaper => "memory-reaper",
            Self::Stop => "stop",
        }
    }

    /// Whether it loses what the kernel had not written yet.
    #[must_use]
    pub fn is_sudden(self) -> bool {
        matches!(self, Self::Cut | Self::Reset | Self::Panic)
    }
}

/// As it is passed to the machine.
impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for End {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::Cut, Self::Stop].into_iter().chain(Self::OTHERS);
        all.into_iter().find(|end| end.name() == name).ok_or_else(|| format!("no end `{name}`"))
    }
}
