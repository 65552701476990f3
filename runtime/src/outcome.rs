//! How a scope was left.

use std::fmt;

/// How a scope was left.
///
/// A cleanup names the outcomes that it runs for: `#[cleanup(tx.rollback(), on = failure)]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The scope ended as intended.
    Success,
    /// An `Err`, a `None` or a `ControlFlow::Break` left through `return`, `?` or the tail.
    Error,
    /// A panic is unwinding through the scope.
    Unwind,
    /// A future was dropped before it finished.
    Cancel,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Unwind => "unwind",
            Self::Cancel => "cancel",
        })
    }
}
