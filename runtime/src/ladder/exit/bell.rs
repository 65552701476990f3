//! A bell: wakes threads that wait, and can be rung in a signal handler.
//!
//! On Linux it is a futex, so that the hook owns no file descriptor: a program that closes all of
//! them, as daemons do, takes nothing away, and one that has none left can still register.

use super::sys;
use crate::sync::Instant;
use crate::sync::atomic::{AtomicU32, Ordering};

#[cfg(all(test, backstop_loom))]
use self::condvar::Sleepers;
#[cfg(all(any(target_os = "linux", target_os = "android"), not(all(test, backstop_loom))))]
use self::futex::Sleepers;
#[cfg(not(any(target_os = "linux", target_os = "android", all(test, backstop_loom))))]
use self::pipe::Sleepers;

/// Counts how often it was rung: who waits says which count it has seen, and misses nothing.
pub(super) struct Bell {
    count: AtomicU32,
    sleepers: Sleepers,
}

impl Bell {
    pub(super) fn new() -> Self {
        Self { count: AtomicU32::new(0), sleepers: Sleepers::new() }
    }

    pub(super) fn count(&self) -> u32 {
        self.count.load(Ordering::SeqCst)
    }

    /// Async-signal-safe.
    pub(super) fn ring(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.sleepers.wake(&self.count);
    }

    /// Waits until the bell is rung for the first time, or `until`. Async-signal-safe, and frugal: it
    /// looks again and again, for what sleeps exactly takes more of the stack.
    pub(super) fn wait_in_handler(&self, until: Option<Instant>) {
        let mut naps = 0;
        while self.count() == 0 {
            if let Some(until) = until {
                if Instant::now() >= until {
                    return;
                }
            }
            sys::nap(if naps < 100 { 1 } else { 10 });
            naps += 1;
        }
    }

    /// Waits until the count is not `seen`, or `until`; tells whether the bell was rung.
    pub(super) fn wait(&self, seen: u32, until: Option<Instant>) -> bool {
        while self.count() == seen {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return false;
            }
            self.sleepers.sleep(&self.count, seen, left);
        }
        true
    }
}

#[cfg(all(any(target_os = "linux", target_os = "android"), not(all(test, backstop_loom))))]
mod futex {
    use std::sync::atomic::AtomicU32;
    use std::time::Duration;

    use rustix::io::Errno;
    use rustix::thread::futex::{self, Flags, Timespec};

    use super::sys;

    /// The kernel has them, by the address of the count.
    pub(super) struct Sleepers;

    #[allow(clippy::unused_self, reason = "as in `pipe`")]
    impl Sleepers {
        pub(super) fn new() -> Self {
            Self
        }

        pub(super) fn wake(&self, count: &AtomicU32) {
            sys::wake(count);
        }

        /// Returns at the latest after `left`; may return at any time.
        pub(super) fn sleep(&self, count: &AtomicU32, seen: u32, left: Option<Duration>) {
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            match futex::wait(count, Flags::PRIVATE, seen, left.as_ref()) {
                Ok(()) | Err(Errno::AGAIN | Errno::INTR | Errno::TIMEDOUT) => {}
                // Not even a sandbox forbids it, for std's locks need it; but never spin.
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

/// A model's futex.
#[cfg(all(test, backstop_loom))]
mod condvar {
    use std::time::Duration;

    use crate::sync::atomic::{AtomicU32, Ordering};
    use crate::sync::{Condvar, Mutex, yield_now};

    pub(super) struct Sleepers(Mutex<()>, Condvar);

    impl Sleepers {
        pub(super) fn new() -> Self {
            Self(Mutex::new(()), Condvar::new())
        }

        pub(super) fn wake(&self, _count: &AtomicU32) {
            drop(self.0.lock());
            self.1.notify_all();
        }

        pub(super) fn sleep(&self, count: &AtomicU32, seen: u32, left: Option<Duration>) {
            // Who waits for so short has nobody to ring.
            if left.is_some_and(|left| left < Duration::from_millis(50)) {
                yield_now();
                return;
            }
            let asleep = self.0.lock().unwrap();
            if count.load(Ordering::SeqCst) == seen {
                drop(self.1.wait(asleep).unwrap());
            }
        }
    }
}

#[cfg(all(
    any(test, not(any(target_os = "linux", target_os = "android"))),
    not(all(test, backstop_loom))
))]
mod pipe {
    use std::os::fd::{AsFd, OwnedFd};
    use std::sync::atomic::AtomicU32;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::{OFlags, Stat, fcntl_setfl, fstat};
    use rustix::io::{FdFlags, fcntl_setfd, read, write};
    use rustix::pipe::pipe;

    /// How long a thread may sleep whose byte another one took.
    const TURN: Duration = Duration::from_millis(50);

    /// A pipe whose bytes say no more than "look at the count". Without one, threads look in turns.
    pub(super) struct Sleepers(Option<Pipe>);

    struct Pipe {
        reader: OwnedFd,
        writer: OwnedFd,
        identity: Stat,
    }

    impl Pipe {
        fn new() -> rustix::io::Result<Self> {
            let (reader, writer) = pipe()?;
            for end in [&reader, &writer] {
                fcntl_setfd(end, FdFlags::CLOEXEC)?;
                fcntl_setfl(end, OFlags::NONBLOCK)?;
            }
            let identity = fstat(&reader)?;
            Ok(Self { reader, writer, identity })
        }

        /// Whether the descriptor is still our pipe. A program may close them all, and then the
        /// number is that of a file of its own.
        fn is_ours(&self, end: &OwnedFd) -> bool {
            fstat(end).is_ok_and(|now| {
                (now.st_dev, now.st_ino) == (self.identity.st_dev, self.identity.st_ino)
            })
        }
    }

    impl Sleepers {
        pub(super) fn new() -> Self {
            Self(Pipe::new().ok())
        }

        pub(super) fn wake(&self, _count: &AtomicU32) {
            if let Some(pipe) = self.0.as_ref().filter(|pipe| pipe.is_ours(&pipe.writer)) {
                // A full pipe wakes as well.
                let _ = write(&pipe.writer, &[0]);
            }
        }

        pub(super) fn sleep(&self, _count: &AtomicU32, _seen: u32, left: Option<Duration>) {
            let turn = left.unwrap_or(TURN).min(TURN);
            let Some(pipe) = self.0.as_ref().filter(|pipe| pipe.is_ours(&pipe.reader)) else {
                std::thread::sleep(turn);
                return;
            };
            // Who waits for ever is the only one who waits.
            let timeout = left.map(|_| turn).and_then(|turn| Timespec::try_from(turn).ok());
            let mut fds = [PollFd::from_borrowed_fd(pipe.reader.as_fd(), PollFlags::IN)];
            if poll(&mut fds, timeout.as_ref()).is_ok_and(|ready| ready > 0) {
                let _ = read(&pipe.reader, &mut [0; 64]);
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use std::sync::Arc;
        use std::sync::atomic::Ordering;
        use std::thread;
        use std::time::Instant;

        use super::*;

        #[test]
        fn a_ring_from_another_thread_wakes_a_sleeper_without_a_deadline() {
            let bell = Arc::new((AtomicU32::new(0), Sleepers::new()));
            let ringer = thread::spawn({
                let bell = Arc::clone(&bell);
                move || {
                    bell.0.fetch_add(1, Ordering::SeqCst);
                    bell.1.wake(&bell.0);
                }
            });
            while bell.0.load(Ordering::SeqCst) == 0 {
                bell.1.sleep(&bell.0, 0, None);
            }
            ringer.join().unwrap();
        }

        #[test]
        fn a_sleeper_wakes_at_its_deadline() {
            let begin = Instant::now();
            Sleepers::new().sleep(&AtomicU32::new(0), 0, Some(Duration::from_millis(20)));
            assert!(begin.elapsed() >= Duration::from_millis(20));
        }
    }
}

#[cfg(all(test, not(backstop_loom)))]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_ring_before_the_wait_is_not_missed() {
        let bell = Bell::new();
        let seen = bell.count();
        bell.ring();
        assert!(bell.wait(seen, None));
    }

    #[test]
    fn a_ring_wakes_every_waiter() {
        let bell = Bell::new();
        thread::scope(|s| {
            let waiters = [(); 3].map(|()| s.spawn(|| bell.wait(0, None)));
            bell.ring();
            assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap()));
        });
    }

    #[test]
    fn an_unrung_bell_lets_go_at_the_deadline() {
        let bell = Bell::new();
        let until = Instant::now() + Duration::from_millis(20);
        assert!(!bell.wait(0, Some(until)));
        assert!(Instant::now() >= until);
    }
}
