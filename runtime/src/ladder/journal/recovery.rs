//! What a replay did, for the program and for its log.

use std::fmt;

/// What was found in the journal, and what became of it.
///
/// Needs the feature `process`; Linux only.
///
/// One line for each thing when displayed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Recovery {
    /// Actions of processes that are gone, performed now.
    pub performed: Vec<String>,
    /// Actions of processes that are gone, where there was nothing left to do.
    pub gone: Vec<String>,
    /// What was left alone, and why.
    pub left_alone: Vec<LeftAlone>,
    /// Actions that failed or panicked; they are tried again at the next start.
    pub failed: Vec<FailedAction>,
    /// How many other processes that use the journal are alive.
    pub owners_alive: usize,
}

/// Something that a [`Recovery`] did not touch.
///
/// Needs the feature `process`; Linux only.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftAlone {
    /// An action, or a file of the journal.
    pub what: String,
    /// Why it was left alone.
    pub reason: String,
    /// Whether the next start will look at it again.
    pub kept: bool,
}

/// An action that a [`Recovery`] could not perform.
///
/// Needs the feature `process`; Linux only.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedAction {
    /// The action.
    pub what: String,
    /// The error.
    pub error: String,
}

impl Recovery {
    pub(super) fn leave(&mut self, what: impl Into<String>, reason: impl Into<String>, kept: bool) {
        self.left_alone.push(LeftAlone { what: what.into(), reason: reason.into(), kept });
    }

    /// Takes in what became of one action. Of one that was `removed` already, only what came of it after
    /// all is worth telling.
    pub(super) fn add(&mut self, one: Self, removed: bool) {
        self.performed.extend(one.performed);
        self.failed.extend(one.failed);
        if !removed {
            self.gone.extend(one.gone);
            self.left_alone.extend(one.left_alone);
        }
    }

    pub(super) fn fail(&mut self, what: impl Into<String>, error: impl fmt::Display) {
        self.failed.push(FailedAction { what: what.into(), error: error.to_string() });
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A path may have newlines in it, a log may not.
        let mut line = |text: String| writeln!(f, "journal: {}", text.replace('\n', "\\n"));
        for what in &self.performed {
            line(format!("performed {what}"))?;
        }
        for what in &self.gone {
            line(format!("nothing left to do for {what}"))?;
        }
        for LeftAlone { what, reason, .. } in &self.left_alone {
            line(format!("left alone {what}: {reason}"))?;
        }
        for FailedAction { what, error } in &self.failed {
            line(format!("failed {what}: {error}"))?;
        }
        Ok(())
    }
}
