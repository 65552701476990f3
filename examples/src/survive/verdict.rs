//! What became of the resource in one cell.

/// What became of the resource in one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is gone.
    Cleaned(By),
    /// It is still there after all: the names, below the place where it was made.
    Left(Vec<String>),
    /// The cleanup took this for the outcome, and the function was left so, or otherwise.
    Told { outcome: &'static str, is_true: bool },
    /// The compiler refuses the program.
    Refused,
    /// This machine does not let us end a process that way, for this reason.
    NotRun(String),
    /// The process did not end as it should, or what it still used was removed.
    Wrong(String),
}

/// Who cleaned up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The process itself, before it ended.
    Process,
    /// The reaper, after the process had ended.
    Reaper,
    /// The next start of the program.
    NextStart,
}

impl Verdict {
    /// One character, another for each kind.
    #[must_use]
    pub(super) fn symbol(&self) -> char {
        match self {
            Self::Cleaned(By::Process) | Self::Told { is_true: true, .. } => '✓',
            Self::Cleaned(By::Reaper) => '◆',
            Self::Cleaned(By::NextStart) => '↻',
            Self::Left(_) | Self::Told { is_true: false, .. } => '✗',
            Self::Refused => '–',
            Self::NotRun(_) => '?',
            Self::Wrong(_) => '!',
        }
    }

    /// One or two words beside the symbol; none where the symbol says it all.
    #[must_use]
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Cleaned(By::Process) => "",
            Self::Cleaned(By::Reaper) => "reaper",
            Self::Cleaned(By::NextStart) => "restart",
            Self::Left(_) => "left",
            Self::Told { outcome, .. } => outcome,
            Self::Refused => "refused",
            Self::NotRun(_) => "not run",
            Self::Wrong(_) => "wrong",
        }
    }

    /// As a cell of a table.
    #[must_use]
    pub(super) fn cell(&self) -> String {
        format!("{} {}", self.symbol(), self.word()).trim_end().to_owned()
    }
}
