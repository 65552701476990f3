//! The measured functions: each shape written by hand, with scopeguard and with backstop.

mod always;
mod failure;

use crate::opaque::{Failure, Refused};

/// How an operation is written. The number tells the functions of one shape apart, see
/// `opaque`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Way {
    /// A `Drop` of one's own, or for `on = failure` a `match` with the cleanup in the `Err` arm.
    ByHand = 11,
    /// The same again, under another number: what two equal functions differ by.
    Control = 12,
    Scopeguard = 13,
    Backstop = 14,
}

const BY_HAND: u32 = Way::ByHand as u32;
const CONTROL: u32 = Way::Control as u32;
const SCOPEGUARD: u32 = Way::Scopeguard as u32;
const BACKSTOP: u32 = Way::Backstop as u32;

/// How often the measured program runs each operation.
pub const ROUNDS: u32 = 100;

/// One function to measure.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    pub shape: &'static str,
    /// The instructions that backstop may cost over the way by hand; `README.md` says why not 0.
    pub more: i64,
    pub way: Way,
    pub seed: u64,
    pub run: fn(u64) -> u64,
}

/// Every operation; those of a shape stand together, the one by hand first.
#[must_use]
pub fn all() -> Vec<Operation> {
    [always::operations(), failure::operations()].concat()
}

/// What an operation returns, as a number.
trait Number {
    fn number(self) -> u64;
}

impl Number for u64 {
    #[inline]
    fn number(self) -> u64 {
        self
    }
}

impl Number for Result<u64, Refused> {
    #[inline]
    fn number(self) -> u64 {
        match self {
            Ok(number) => number,
            Err(Refused(Failure(way))) => u64::from(way),
        }
    }
}

/// The rows of one shape, whose module has the functions `by_hand`, `scopeguard` and `backstop`.
macro_rules! shape {
    ($name:literal, $module:ident, $seed:expr) => {
        $crate::operations::shape!($name, $module, $seed, more = 0)
    };
    ($name:literal, $module:ident, $seed:expr, more = $more:expr) => {{
        use $crate::operations::{BY_HAND, CONTROL, Number as _, Operation, Way};
        let row = |way, run: fn(u64) -> u64| Operation {
            shape: $name,
            more: $more,
            way,
            seed: $seed,
            run,
        };
        [
            row(Way::ByHand, |seed| $module::by_hand::<BY_HAND>(seed).number()),
            row(Way::Control, |seed| $module::by_hand::<CONTROL>(seed).number()),
            row(Way::Scopeguard, |seed| $module::scopeguard(seed).number()),
            row(Way::Backstop, |seed| $module::backstop(seed).number()),
        ]
    }};
}
use shape;
