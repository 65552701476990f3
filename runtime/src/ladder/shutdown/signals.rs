//! The signals that ask a process to end.
#![allow(unsafe_code, reason = "the standard library has no signals")]

use std::io::{self, Write as _};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;
use std::process;
use std::ptr;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;
use signal_hook::low_level;

use crate::ladder::exit;
use crate::ladder::mask::Mask;

const ASK_TO_END: [i32; 3] = [SIGTERM, SIGINT, SIGHUP];

/// How often to look where waiting fails: somebody has closed the socket, which is not theirs.
const WITHOUT_SOCKET: Duration = Duration::from_millis(50);

/// What woke the waiting thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    /// A signal, or several at once.
    Signal(i32),
    /// The [`Waker`], or nothing at all.
    Other,
    /// The time is over.
    Timeout,
}

/// While this is there, the signals that ask the process to end wait. Otherwise one would be lost
/// that comes when its handler is there and does not know yet what to do.
///
/// To be made before the first thread is, which has the mask of the one that made it.
pub(super) struct Held {
    /// The mask before.
    pub(super) mask: Mask,
}

impl Held {
    pub(super) fn new() -> Self {
        Self { mask: Mask::of(ASK_TO_END).block() }
    }

    /// Lets these signals come to a thread that has all blocked, as far as they were not blocked
    /// before.
    pub(super) fn let_in(mask: Mask) {
        let asking = ASK_TO_END.into_iter().filter(|signal| !mask.contains(*signal));
        Mask::of(asking).unblock();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.mask.set();
    }
}

/// Signals that came and were not looked at yet.
pub(super) struct Signals(SignalDelivery<UnixStream, SignalOnly>);

/// Wakes who waits for signals.
pub(super) struct Waker(UnixStream);

impl Waker {
    pub(super) fn wake(&self) {
        // If it is full, the other end has enough to wake up for.
        let _ = (&self.0).write(&[0]);
    }
}

/// Takes the signals that ask the process to end, except those that it was started to ignore.
pub(super) fn take() -> io::Result<(Signals, Waker)> {
    let (read, write) = UnixStream::pair()?;
    write.set_nonblocking(true)?;
    let waker = Waker(write.try_clone()?);
    let mut signals = ASK_TO_END.to_vec();
    signals.retain(|&signal| !is_ignored(signal));
    for &signal in &signals {
        spare_forked_children(signal)?;
    }
    let signals = SignalDelivery::with_pipe(read, write, SignalOnly, signals)?;
    Ok((Signals(signals), waker))
}

/// Whether a signal is ignored, as `nohup` and shells' background jobs have it.
fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action, the call only writes the present one to `action`, which is
    // valid for that.
    let result = unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) };
    // SAFETY: all zeroes is a valid `sigaction`, and so is what the kernel wrote.
    let action = unsafe { action.assume_init() };
    result == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Lets a signal end a forked child, which has the handlers and nobody to look at what came, but for an
/// exit hook, if it has registered something.
fn spare_forked_children(signal: i32) -> io::Result<()> {
    let parent = process::id();
    let action = move || {
        if process::id() != parent && !exit::signal_is_heard(signal) {
            let _ = low_level::emulate_default_handler(signal);
        }
    };
    // SAFETY: the action calls nothing but `getpid`, the exit hook and signal-hook's emulation, all of
    // which are async-signal-safe here, and does not panic.
    unsafe { low_level::register(signal, action) }?;
    Ok(())
}

impl Signals {
    /// Blocks until a signal comes, the [`Waker`] wakes, or `until`; without it, for as long as it
    /// takes.
    pub(super) fn wait(&mut self, until: Option<Instant>) -> Wake {
        // What came while nobody waited is in the socket, too.
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let mut sockets = [PollFd::new(self.0.get_read(), PollFlags::IN)];
        let ready = poll(&mut sockets, timeout.as_ref());
        let trouble = PollFlags::NVAL | PollFlags::ERR | PollFlags::HUP;
        let closed = sockets[0].revents().intersects(trouble);
        match ready {
            Ok(0) => return Wake::Timeout,
            Ok(_) if !closed => {}
            Err(Errno::INTR) => {}
            Ok(_) | Err(_) => {
                thread::sleep(left.map_or(WITHOUT_SOCKET, |left| left.min(WITHOUT_SOCKET)));
                if until.is_some_and(|until| until <= Instant::now()) {
                    return Wake::Timeout;
                }
            }
        }
        self.0.pending().last().map_or(Wake::Other, Wake::Signal)
    }
}

/// The signal's name.
pub(super) fn name(signal: i32) -> &'static str {
    low_level::signal_name(signal).unwrap_or("a signal")
}
