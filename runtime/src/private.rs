//! What expansions name. Not public API: `backstop` pins `backstop-macros` to its own version.

pub use crate::contain::contained_drop;
pub use crate::defer::defer;
pub use crate::finish::{Chain, Finish};
pub use crate::flag::{Flag, Flags, SharedFlag, mark, restore, suspect};
pub use crate::guard::{
    Armed, AsyncOwner, AwaitedOwner, Dropped, DroppedOther, Owner, Refused, SharedArmed, Slot,
    dropped, refused,
};
pub use crate::judge::{
    Judge, Plain, Question, Verdict, ended, ended_async, ended_suspect, judge, leave, leave_async,
    question, question_async, question_disarming, question_disarming_async,
};
#[cfg(all(feature = "process", unix))]
pub use crate::ladder::entry::{
    Created, Entry, SurvivesExit, SurvivesKill, SurvivesReboot, survive_exit, survive_kill,
    survive_reboot,
};
#[cfg(not(all(feature = "process", unix)))]
pub use crate::needs::{
    survive as survive_exit, survive as survive_kill, survive as survive_reboot,
};
pub use crate::report::{ByDebug, CleanupValue, Ended, Value, value};
pub use crate::site::Site;
pub use crate::wait::{Aw, aw};
pub use crate::warnings::*;
pub use crate::ways::{
    Branch, Found, FromResidual, Never, Way, branch, carried, left, unreachable_way,
};

/// A scope, in place of the function that the user spawned with.
#[inline(always)]
pub fn in_place_of<F, S>(_: F, scope: &S) -> &S {
    scope
}

/// The identity, with room for a marker that the compiler finds unreachable where `value` diverges.
/// The name is what a type error about the call shows.
#[inline(always)]
pub const fn checked_call<T>(value: T, (): ()) -> T {
    value
}

/// No value of a type, which says what type that is.
#[inline(always)]
#[must_use]
pub const fn no_value<T>() -> Option<T> {
    None
}
