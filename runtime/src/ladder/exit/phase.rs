//! What the exit hook is at, and why.

/// What the hook is at, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Phase {
    /// Cleanups are registered and withdrawn.
    Open,
    /// The armed ones are being run, and a new one runs at once.
    Ending,
    /// Nothing is armed any more. What others are running is waited for, and threads that are about
    /// to make something new are held. It may go back to `Ending`, see [`gate`](super::gate).
    Closing,
    /// It is over.
    Closed,
}

impl Phase {
    #[inline]
    pub(super) fn of(number: u8) -> Self {
        match number {
            0 => Self::Open,
            1 => Self::Ending,
            2 => Self::Closing,
            _ => Self::Closed,
        }
    }
}

/// Who asked first for the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// `run_all`.
    Call,
    /// `exit`, or `main` returned.
    Exit,
    /// `abort`, on a thread that waits in its signal handler.
    Abort,
    /// This signal, which is to be raised again at the end.
    Signal(i32),
}

/// `Cause::Signal`; 0 is no cause.
const SIGNAL: u32 = 0x100;

impl Cause {
    pub(super) fn bits(self) -> u32 {
        match self {
            Self::Call => 1,
            Self::Exit => 2,
            Self::Abort => 3,
            Self::Signal(signal) => SIGNAL | signal.unsigned_abs(),
        }
    }

    pub(super) fn of(bits: u32) -> Option<Self> {
        match bits {
            0 => None,
            1 => Some(Self::Call),
            2 => Some(Self::Exit),
            3 => Some(Self::Abort),
            signal => i32::try_from(signal & !SIGNAL).ok().map(Self::Signal),
        }
    }
}
