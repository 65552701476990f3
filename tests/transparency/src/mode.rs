//! What is put into the sources.

use std::fmt;

/// A way of annotating a crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `#[must_cleanup]` on every function.
    MustCleanup,
    /// `#[no_exit]` on every function.
    NoExit,
    /// `#[must_cleanup]` on every function, with guards for each outcome at the start of the body.
    Rewritten,
    /// The same, with guards at the start of every block.
    Blocks,
    /// Both attributes on every `impl`, `trait` and free function.
    Containers,
}

impl Mode {
    /// All of them, the milder first.
    pub const ALL: [Self; 5] =
        [Self::MustCleanup, Self::NoExit, Self::Containers, Self::Rewritten, Self::Blocks];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MustCleanup => "must_cleanup",
            Self::NoExit => "no_exit",
            Self::Rewritten => "rewritten",
            Self::Blocks => "blocks",
            Self::Containers => "containers",
        }
    }

    /// The mode of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// Whether it puts in guards that count.
    pub(crate) fn counts(self) -> bool {
        matches!(self, Self::Rewritten | Self::Blocks)
    }

    /// The attribute, with what it is to allow.
    pub(crate) fn attribute(self, allows: &[String]) -> String {
        let args = if allows.is_empty() {
            String::new()
        } else {
            format!("(allow({}, reason = \"see the table of refusals\"))", allows.join(", "))
        };
        match self {
            Self::MustCleanup | Self::Rewritten | Self::Blocks => {
                format!("#[::backstop::must_cleanup{args}] ")
            }
            Self::NoExit => format!("#[::backstop::no_exit{args}] "),
            Self::Containers => {
                format!("#[::backstop::must_cleanup{args}] #[::backstop::no_exit] ")
            }
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
