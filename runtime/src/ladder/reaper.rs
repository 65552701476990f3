//! The reaper: a process beside this one that performs what a killed one left.
//!
//! It waits, asleep, for the end of the program that started it (its *owner*): a normal end, a
//! signal of any kind, `_exit`, or another program in its place by `exec`. Then it performs the
//! [`Action`](crate::Action)s that are still registered, the last one first, writes a line of each
//! into its [log](Builder::log), and ends. It is a process of its own: with its own session, in `/`,
//! without any of the owner's descriptors, and nobody's child, so that a program which waits for all
//! its children does not wait for this one. (A program that is a child subreaper becomes its parent.)
//! In `ps` it is `backstop-reaper PID PROGRAM`. While its owner lives, it is scheduled as `SCHED_BATCH`
//! (sched(7)): a registration does not make the program wait for what the reaper does with it.
//!
//! `#[backstop::main(reaper)]` starts it. Programs whose `main` is not ours call [`start`], which
//! needs the small program `backstop-reaper` that comes with this crate.
//!
//! In a container, `#[backstop::main(reaper)]` lets a program that is process 1 execute itself once
//! more: process 1 is an init from then on, and the program its child.
//!
//! Needs the feature `process`; Linux only.
//!
//! # When nothing is cleaned up
//!
//! * **The program closes its descriptors, and lives on.** The reaper sees the end of the channel but
//!   not of the program, cleans nothing up, and ends. The program starts another one and tells it
//!   everything; if it is killed in the milliseconds until then, nothing is cleaned up. But a program that forks, closes all descriptors in the child and ends in the
//!   parent (a daemon) *has* ended. Start the reaper **after** that.
//! * **A fork lives on** and holds the channel: it may be using what is registered. The reaper waits
//!   for the last one, unless told [otherwise](Builder::on_fork).
//! * **The reaper is killed together with the program**: by the end of a container or of a control
//!   group. If it is killed alone, the program starts another one within milliseconds. SIGTERM,
//!   SIGINT, SIGHUP and the like do not end it.
//! * **The program has borrowed privileges** (set-user-id, file capabilities, differing user ids):
//!   the reaper refuses to start. If it changes its user later, real or effective, registrations are
//!   errors (not if one thread changes its own alone, past the C library: then they may be lost). A
//!   thread that has other capabilities, `no_new_privs` or system call filters than when the reaper was
//!   started cannot register a program: the reaper would run it with those. What is removed, it removes
//!   with its own.
//! * **The program gets another root directory** or mount namespace (`chroot`, `unshare`): its paths mean
//!   something else to the reaper. Registrations are errors from then on. What was registered before, and
//!   is not found by its path when its guard is dropped, is reported, and left to the reaper.

mod acknowledge;
mod channel;
mod client;
mod fork;
mod init;
mod ledger;
mod link;
mod log;
mod options;
mod owner;
mod patience;
mod perform;
mod protocol;
mod serve;
mod start;
mod system;

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

pub(crate) use self::init::if_process_1_then_init;
pub(super) use self::link::Watchful;
pub use self::options::{Builder, OnFork};
pub(crate) use self::start::{if_reaper_then_serve, main_of_helper};
pub(crate) use self::system::wait_for_turns;
use super::keeper::Keeper;
use super::root::Root;

/// Starts the reaper of this program from the helper program `backstop-reaper`, which must be in the
/// same directory as the running program; see [`Builder::helper`] for another place.
///
/// Needs the feature `process`; Linux only.
///
/// Call it once, after the program has become what it will be: after a daemon's forks and after
/// changes of user and group. (A program under `#[backstop::main(reaper)]` has its reaper already.)
///
/// # Errors
///
/// If there is no helper; if the helper is of another version of backstop; if this program has a
/// reaper already; if it is process 1 of a container (which takes the reaper with it); if it has borrowed privileges (set-user-id, file capabilities, or user and group
/// ids that differ); or if the reaper cannot be executed.
///
/// # Examples
///
/// ```no_run
/// fn main() -> std::io::Result<()> {
///     backstop::reaper::start()?;
///     // ..
///     Ok(())
/// }
/// ```
pub fn start() -> io::Result<()> {
    Builder::new().start()
}

/// Asks the reaper whether it lives and knows everything, and waits for the answer.
///
/// Needs the feature `process`; Linux only.
///
/// # Errors
///
/// If there is no reaper, or it does not answer within the [deadline](Builder::deadline).
///
/// # Examples
///
/// ```standalone_crate
/// #[backstop::main(reaper)]
/// fn main() -> std::io::Result<()> {
///     // Before the work begins of which nothing must be left behind.
///     backstop::reaper::check()
/// }
/// ```
pub fn check() -> io::Result<()> {
    match client::channel() {
        Some(channel) => channel.check(),
        None => Err(io::Error::new(io::ErrorKind::NotConnected, "this program started no reaper")),
    }
}

/// Starts the reaper by executing this program again: for a `main` that begins with
/// [`if_reaper_then_serve`]. Does not wait for it; registrations do.
pub(crate) fn start_from_main() -> io::Result<()> {
    Builder::new().start_from_main()
}

/// The running reaper, if there is one.
pub(crate) fn keeper() -> Option<&'static dyn Keeper> {
    client::channel().map(|channel| channel as &dyn Keeper)
}

/// An error if this is another root directory than the reaper has.
pub(crate) fn permit_paths(now: Root) -> io::Result<()> {
    client::root().map_or(Ok(()), |root| root.permit(now, "when it started its reaper"))
}

/// A keeper that writes to whoever has the other end of `channel`, for the benches: where
/// instructions are counted, no reaper can start.
pub(crate) fn keeper_on(channel: OwnedFd) -> io::Result<impl Keeper> {
    const DEADLINE: Duration = Duration::from_secs(1);
    let pidfd = rustix::io::dup(&channel)?;
    let keeper = channel::Channel::new(DEADLINE, false);
    keeper.connect(link::Link::new(start::Started { channel, pidfd, pid: 0 }, DEADLINE)?);
    Ok(keeper)
}

/// A copy of this process's end of the channel, for the benches.
pub(crate) fn channel() -> io::Result<OwnedFd> {
    client::channel().ok_or(io::ErrorKind::NotConnected)?.copy()
}

/// The process id of the reaper.
pub(crate) fn pid() -> Option<i32> {
    client::channel()?.reaper()
}

/// Waits until the descriptor is ready, or has an error; false if it is not within `limit`.
fn wait_until(
    descriptor: BorrowedFd<'_>,
    flags: PollFlags,
    limit: Option<Duration>,
) -> io::Result<bool> {
    let end = limit.and_then(|limit| Instant::now().checked_add(limit));
    loop {
        let rest = end.map(|end| end.saturating_duration_since(Instant::now()));
        let timeout = rest.map(|rest| Timespec {
            tv_sec: rest.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: rest.subsec_nanos().into(),
        });
        match poll(&mut [PollFd::new(&descriptor, flags)], timeout.as_ref()) {
            Ok(ready) => return Ok(ready > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
