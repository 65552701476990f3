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
pub use crate::ladder::action::door as action_door;
#[cfg(all(feature = "process", unix))]
pub use crate::ladder::entry::{
    Created, Entry, Making, SurvivesExit, SurvivesKill, SurvivesReboot, survive_exit, survive_kill,
    survive_reboot,
};
#[cfg(all(feature = "process", unix))]
pub use crate::ladder::exit::doors::{
    Announcement, ExitEntry, announce_exit, exit_entry, run_exit, set_exit_limit,
};
#[cfg(all(feature = "process", target_os = "linux"))]
pub use crate::ladder::journal::door as journal;
#[cfg(not(feature = "tokio"))]
pub use crate::needs::by_deadline;
#[cfg(all(feature = "process", not(feature = "tokio"), unix))]
pub use crate::needs::main_async;
#[cfg(not(all(feature = "process", unix)))]
pub use crate::needs::{
    announce_exit, survive as survive_exit, survive as survive_kill, survive as survive_reboot,
};
pub use crate::report::{ByDebug, CleanupValue, Ended, Value, value};
pub use crate::root::{Mark, Root, root};
#[cfg(feature = "tokio")]
pub use crate::scope::tasks::error::{ByDeadline, FromDeadline, by_deadline};
pub use crate::site::Site;
pub use crate::wait::{Aw, aw};
pub use crate::warnings::*;
pub use crate::ways::{
    Branch, Found, FromResidual, Never, Way, branch, carried, left, unreachable_way,
};

/// What `#[backstop::main]` calls, with the grace period in milliseconds.
#[cfg(all(feature = "process", unix))]
pub fn main<R: std::process::Termination>(
    grace: u64,
    reaper: bool,
    journal: Option<&'static str>,
    body: impl FnOnce() -> R,
) -> std::process::ExitCode {
    use crate::ladder::shutdown::{Options, run};
    let grace = std::time::Duration::from_millis(grace);
    run(Options { grace, reaper, journal }, body)
}

/// The same for an `async` main: with `workers` threads for its tasks, 0 for the main thread alone, or
/// as many as there are processors.
#[cfg(all(feature = "process", feature = "tokio", unix))]
pub fn main_async<F: Future<Output: std::process::Termination>>(
    grace: u64,
    reaper: bool,
    journal: Option<&'static str>,
    workers: Option<usize>,
    body: impl FnOnce() -> F,
) -> std::process::ExitCode {
    use crate::ladder::shutdown::{Options, run_async};
    let grace = std::time::Duration::from_millis(grace);
    run_async(Options { grace, reaper, journal }, workers, body)
}

/// A scope, in place of the function that the user spawned with.
#[inline(always)]
pub fn in_place_of<F, S>(_: F, scope: &S) -> &S {
    scope
}

/// The identity, with room for a marker that the compiler finds unreachable where the call before it
/// diverges. What is expected of the whole is expected of the call, and it is in the pair, not here,
/// that the compiler finds the call to be of another type: it has no reason to name this function.
#[inline(always)]
pub fn checked_call<T>((value, ()): (T, ())) -> T {
    value
}

/// The same where nothing is to be expected of the call.
#[derive(Debug)]
pub struct CheckedCall<T>(pub T, pub ());

impl<T> CheckedCall<T> {
    /// What the call has given.
    #[inline(always)]
    pub fn value(self) -> T {
        self.0
    }
}

/// The same in constants, where a pair cannot be taken apart.
#[inline(always)]
pub const fn checked_const_call<T>(value: T, (): ()) -> T {
    value
}

/// The reaper's doors, for expansions, the helper program, and the tests.
#[cfg(all(feature = "process", target_os = "linux"))]
pub mod reaper {
    use std::io;
    use std::os::fd::OwnedFd;

    use crate::Action;
    use crate::ladder::action::Prepared;
    use crate::ladder::action::encoding::{self, Encoded};
    use crate::ladder::keeper::Keeper;
    use crate::ladder::reaper;
    use crate::reaper::Builder;

    /// The first thing that `main` does.
    pub fn if_reaper_then_serve() {
        reaper::if_reaper_then_serve();
    }

    /// The second.
    pub fn start_from_main() -> io::Result<()> {
        start_from_main_with(Builder::new())
    }

    /// The second, with options.
    pub fn start_from_main_with(options: Builder) -> io::Result<()> {
        reaper::if_process_1_then_init()?;
        options.start_from_main()
    }

    /// All that the helper program does.
    pub fn main_of_helper() -> ! {
        reaper::main_of_helper()
    }

    /// Has the calling thread be scheduled as the reaper is.
    pub fn wait_for_turns() {
        reaper::wait_for_turns();
    }

    /// The process id of the reaper.
    #[must_use]
    pub fn pid() -> Option<i32> {
        reaper::pid()
    }

    /// A copy of this process's end of the channel to its reaper.
    pub fn channel() -> io::Result<OwnedFd> {
        reaper::channel()
    }

    /// A registration with the reaper alone.
    #[derive(Debug)]
    pub struct Kept {
        key: u64,
        action: Encoded,
    }

    impl Kept {
        /// Prepares the action, and tells nobody.
        pub fn new(key: u64, action: Action) -> io::Result<Self> {
            Ok(Self { key, action: Encoded::new(action.prepare()?)? })
        }

        /// Encodes the action once more.
        pub fn encode(&self) -> io::Result<()> {
            std::hint::black_box(encoding::encode(&self.action)?);
            Ok(())
        }

        /// Hands it over on a channel, and withdraws it.
        pub fn hand_over(&self, channel: &Unwatched) -> io::Result<()> {
            channel.0.intend(self.key, &self.action)?;
            channel.0.forget(self.key)
        }

        /// Tells the reaper of what is about to be created.
        pub fn intend(&self) -> io::Result<()> {
            keeper()?.intend(self.key, &self.action)
        }

        /// Tells it that the thing exists.
        pub fn commit(&mut self) -> io::Result<()> {
            self.action.update(Prepared::commit)?;
            keeper()?.commit(self.key, &self.action)
        }

        /// Tells it that there is nothing to do.
        pub fn forget(&self) -> io::Result<()> {
            keeper()?.forget(self.key)
        }
    }

    /// The owner's side of a channel that has no reaper.
    pub struct Unwatched(Box<dyn Keeper>);

    impl Unwatched {
        /// A socket of sequential packets, with room for all that is sent.
        pub fn new(channel: OwnedFd) -> io::Result<Self> {
            Ok(Self(Box::new(reaper::keeper_on(channel)?)))
        }
    }

    fn keeper() -> io::Result<&'static dyn Keeper> {
        reaper::keeper().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

/// No value of a type, which says what type that is.
#[inline(always)]
#[must_use]
pub const fn no_value<T>() -> Option<T> {
    None
}
