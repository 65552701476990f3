//! The owner's side: registrations, written to whichever reaper there is.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::io::Errno;

use super::acknowledge::Waited;
use super::link::Link;
use super::protocol::{Message, Request};
use super::wait_until;
use crate::ladder::action::Prepared;
use crate::ladder::keeper::Keeper;

/// The registrations of this process, and the link to its reaper.
///
/// Everything is kept here, too, for a reaper that takes over from one that died. A registration
/// enters `live` under the same lock that it is sent under, so both have the same order.
pub(super) struct Channel {
    user: User,
    deadline: Duration,
    acknowledged: bool,
    state: Mutex<State>,
    /// Signalled when `State::link` or `State::behind` changes.
    changed: Condvar,
    tokens: AtomicU64,
}

#[derive(Default)]
struct State {
    /// None while there is no reaper.
    link: Option<Arc<Link>>,
    /// Why there is none.
    trouble: Option<String>,
    /// Whether it may not know everything yet.
    behind: bool,
    live: HashMap<u64, Message>,
    /// Withdrawn while the reaper took no messages: told with the next one.
    withdrawn: Vec<u64>,
}

/// Who may register. The reaper checks the same for each message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct User {
    process: rustix::process::Pid,
    uid: rustix::process::Uid,
    gid: rustix::process::Gid,
}

impl User {
    fn current() -> Self {
        Self {
            process: rustix::process::getpid(),
            uid: rustix::process::geteuid(),
            gid: rustix::process::getegid(),
        }
    }
}

impl Channel {
    pub(super) fn new(deadline: Duration, acknowledged: bool) -> Self {
        Self {
            user: User::current(),
            deadline,
            acknowledged,
            state: Mutex::default(),
            changed: Condvar::new(),
            tokens: AtomicU64::new(1),
        }
    }

    /// The reaper that this process has at the moment.
    pub(super) fn reaper(&self) -> Option<i32> {
        self.lock().link.as_ref().map(|link| link.pid)
    }

    /// Whether this process is the one that made the channel, and not a fork of it.
    pub(super) fn is_this_process(&self) -> bool {
        rustix::process::getpid() == self.user.process
    }

    /// A round trip to the reaper, once it knows everything.
    pub(super) fn check(&self) -> io::Result<()> {
        self.permit_withdrawal()?;
        let mut patience = Patience::new(self.deadline);
        let mut state = self.lock();
        while state.link.is_none() || state.behind {
            state = self.wait_for_reaper(state, &mut patience)?;
        }
        drop(state);
        self.deliver(Message::new(&Request::Ask)?, true, |_, _| ())
    }

    /// From now on there is a reaper at `link`, which knows nothing yet.
    pub(super) fn connect(&self, link: Link) -> Arc<Link> {
        let link = Arc::new(link);
        let mut state = self.lock();
        state.link = Some(Arc::clone(&link));
        state.trouble = None;
        state.behind = true;
        // The new one has never heard of these.
        state.withdrawn.clear();
        drop(state);
        self.changed.notify_all();
        link
    }

    /// There is no reaper, for the reason given.
    pub(super) fn disconnect(&self, why: &str) {
        let mut state = self.lock();
        state.link = None;
        state.trouble = Some(why.to_owned());
    }

    /// Tells a new reaper what is registered. Others go on meanwhile: whatever they send is in its
    /// place both before and after what is sent here.
    pub(super) fn tell_all(&self, link: &Link) -> io::Result<()> {
        let mut keys: Vec<u64> = self.lock().live.keys().copied().collect();
        keys.sort_unstable();
        for key in keys {
            loop {
                let sent = match self.lock().live.get(&key) {
                    Some(message) => link.send(message),
                    None => Ok(()),
                };
                match sent {
                    Ok(()) => break,
                    Err(error) if is_full(&error) => {
                        wait_until(link.socket(), PollFlags::OUT, None)?;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        self.lock().behind = false;
        self.changed.notify_all();
        Ok(())
    }

    fn register(&self, key: u64, committed: bool, action: &Prepared) -> io::Result<()> {
        self.permit()?;
        let message = Message::register(key, committed, action)?;
        let result = self.deliver(message, self.acknowledged, |state, message| {
            state.live.insert(key, message);
        });
        if result.is_err() && self.acknowledged && !committed {
            // It may have been sent. The caller creates nothing, and will withdraw nothing.
            let mut state = self.lock();
            if state.live.remove(&key).is_some() {
                state.withdrawn.push(key);
            }
        }
        result
    }

    /// An error where the reaper would not take a registration of this process.
    fn permit(&self) -> io::Result<()> {
        let user = User::current();
        if user == self.user {
            return Ok(());
        }
        self.permit_withdrawal()?;
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "this process ran as user {} and group {} when it started its reaper, and runs as \
                 {} and {} now: the reaper must not act for it; start the reaper after the change",
                self.user.uid.as_raw(),
                self.user.gid.as_raw(),
                user.uid.as_raw(),
                user.gid.as_raw()
            ),
        ))
    }

    fn permit_withdrawal(&self) -> io::Result<()> {
        if self.is_this_process() {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "this process was forked from the one that the reaper watches: start one for it",
        ))
    }

    /// Sends a message, and does `then` under the same lock. Waits for a reaper, for room in the
    /// channel, and for the acknowledgement if one is wished, within one deadline in all.
    fn deliver(
        &self,
        mut message: Message,
        acknowledged: bool,
        then: impl FnOnce(&mut State, Message),
    ) -> io::Result<()> {
        let mut patience = Patience::new(self.deadline);
        let mut token = 0;
        let mut then = Some(then);
        let mut state = self.lock();
        loop {
            let State { link, withdrawn, .. } = &mut *state;
            let Some(link) = link else {
                state = self.wait_for_reaper(state, &mut patience)?;
                continue;
            };
            if acknowledged {
                token = self.tokens.fetch_add(1, Ordering::Relaxed);
                message.set_token(token);
            }
            match catch_up(withdrawn, link).and_then(|()| link.send(&message)) {
                Ok(()) => {}
                Err(error) if is_full(&error) => {
                    let link = Arc::clone(link);
                    drop(state);
                    patience.wait_for_room(&link)?;
                    state = self.lock();
                    continue;
                }
                Err(error) if is_gone(&error) => {
                    state.link = None;
                    continue;
                }
                Err(error) => return Err(error),
            }
            if !acknowledged {
                if let Some(then) = then.take() {
                    then(&mut state, message);
                }
                return Ok(());
            }
            let link = Arc::clone(link);
            if let Some(then) = then.take() {
                let mut message = message.clone();
                message.set_token(0);
                then(&mut state, message);
            }
            drop(state);
            match link.acknowledgements.wait(&link, token, patience.rest())? {
                Waited::Taken => return Ok(()),
                // Once more, to its successor.
                Waited::Gone => state = self.lock(),
            }
        }
    }

    fn wait_for_reaper<'a>(
        &self,
        state: MutexGuard<'a, State>,
        patience: &mut Patience,
    ) -> io::Result<MutexGuard<'a, State>> {
        let rest = patience.rest();
        if rest.is_zero() {
            let why = match &state.trouble {
                Some(why) => why,
                None if state.link.is_some() => "it is new, and being told what is registered",
                None => "it ended, and is being replaced",
            };
            let message = format!("there is no reaper: {why}");
            return Err(io::Error::new(io::ErrorKind::NotConnected, message));
        }
        Ok(self.changed.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change of the state is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeper for Channel {
    fn intend(&self, key: u64, action: &Prepared) -> io::Result<()> {
        self.register(key, false, action)
    }

    fn commit(&self, key: u64, action: &Prepared) -> io::Result<()> {
        self.register(key, true, action)
    }

    fn forget(&self, key: u64) -> io::Result<()> {
        self.permit_withdrawal()?;
        let mut state = self.lock();
        state.live.remove(&key);
        let Some(link) = &state.link else {
            // Nobody knows of it any more.
            return Ok(());
        };
        let message = Message::new(&Request::Forget { key })?;
        match link.send(&message) {
            Ok(()) => return Ok(()),
            Err(error) if is_gone(&error) => {
                state.link = None;
                return Ok(());
            }
            Err(error) if is_full(&error) => state.withdrawn.push(key),
            Err(error) => return Err(error),
        }
        drop(state);
        // It is sent before anything else is.
        self.flush()
    }
}

impl Channel {
    /// Sends what was withdrawn while the channel was full.
    fn flush(&self) -> io::Result<()> {
        let mut patience = Patience::new(self.deadline);
        loop {
            let mut state = self.lock();
            let State { link, withdrawn, .. } = &mut *state;
            let Some(link) = link else { return Ok(()) };
            match catch_up(withdrawn, link) {
                Err(error) if is_full(&error) => {
                    let link = Arc::clone(link);
                    drop(state);
                    patience.wait_for_room(&link)?;
                }
                Err(error) if is_gone(&error) => {
                    state.link = None;
                    return Ok(());
                }
                result => return result,
            }
        }
    }
}

/// Sends what was withdrawn while there was no room.
fn catch_up(withdrawn: &mut Vec<u64>, link: &Link) -> io::Result<()> {
    while let Some(&key) = withdrawn.last() {
        link.send(&Message::new(&Request::Forget { key })?)?;
        withdrawn.pop();
    }
    Ok(())
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Whether the other end is closed, or this one is (by a program that closes what it finds, which
/// makes the reaper end): either way there will be another channel soon.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN | Errno::BADF | Errno::NOTSOCK)
    )
}

/// A deadline that asks for the time only once something has to be waited for.
struct Patience {
    limit: Duration,
    end: Option<Instant>,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Self { limit, end: None }
    }

    /// What is left of it; it begins with the first call.
    fn rest(&mut self) -> Duration {
        match self.end {
            Some(end) => end.saturating_duration_since(Instant::now()),
            None => {
                self.end = Instant::now().checked_add(self.limit);
                self.limit
            }
        }
    }

    fn wait_for_room(&mut self, link: &Link) -> io::Result<()> {
        let rest = self.rest();
        if wait_until(link.socket(), PollFlags::OUT, Some(rest))? {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("the reaper (process {}) has taken no message for {:?}", link.pid, self.limit),
        ))
    }
}
