//! The owner's side: registrations, written to whichever reaper there is.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::io::Errno;

use super::acknowledge::Waited;
use super::ledger::Ledger;
use super::link::{Link, Watchful};
use super::patience::Patience;
use super::protocol::Request;
use super::{fork, start, wait_until};
use crate::ladder::action::encoding::Encoded;
use crate::ladder::keeper::Keeper;
use crate::ladder::rights::{Rights, User};

/// The registrations of this process, and the link to its reaper.
///
/// Everything is kept here, too, for a reaper that takes over from one that died. A registration
/// enters `live` under the same lock that it is sent under, so both have the same order.
pub(super) struct Channel {
    /// Which process, by forks.
    generation: u32,
    /// Whether it runs as another user now. The reaper ignores what it registers then.
    other_user: AtomicBool,
    /// What it may do, besides.
    rights: Option<Rights>,
    deadline: Duration,
    acknowledged: bool,
    state: Mutex<State>,
    /// Signalled when `State::link` or `State::behind` changes.
    changed: Condvar,
    tokens: AtomicU64,
}

struct State {
    /// As whom the reaper was started.
    user: User,
    /// Whether the first reaper has not come yet.
    starting: bool,
    /// None while there is no reaper.
    link: Option<Arc<Link>>,
    /// Why there is none.
    trouble: Option<String>,
    /// Whether it may not know everything yet.
    behind: bool,
    live: Ledger<Registration>,
    /// Withdrawn while the reaper took no messages: told with the next one.
    withdrawn: Vec<u64>,
    /// A withdrawal has waited for it in vain: the next ones do not wait, or a thousand guards would
    /// take a thousand deadlines to drop.
    stalled: bool,
}

/// What the reaper was told of a key.
struct Registration {
    committed: bool,
    action: Arc<[u8]>,
    /// Of the process that leads the group which the action is about: what tells the group when that
    /// process is gone.
    leader: Option<Arc<Watchful>>,
}

impl Registration {
    fn request(&self, key: u64) -> Request<'_> {
        Request::Register { key, committed: self.committed, action: &self.action }
    }
}

impl Channel {
    pub(super) fn new(deadline: Duration, acknowledged: bool) -> Self {
        Self {
            generation: fork::generation(),
            other_user: AtomicBool::new(false),
            rights: Rights::of_this_thread(),
            deadline,
            acknowledged,
            state: Mutex::new(State {
                user: User::current(),
                starting: true,
                link: None,
                trouble: None,
                behind: false,
                live: Ledger::new(),
                withdrawn: Vec::new(),
                stalled: false,
            }),
            changed: Condvar::new(),
            tokens: AtomicU64::new(1),
        }
    }

    /// The reaper that this process has at the moment.
    pub(super) fn reaper(&self) -> Option<i32> {
        self.lock().link.as_ref().map(|link| link.pid)
    }

    /// A copy of this end of the channel, if there is a reaper.
    pub(super) fn copy(&self) -> io::Result<OwnedFd> {
        match &self.lock().link {
            Some(link) => link.socket().try_clone_to_owned(),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// A round trip to the reaper, once it knows everything.
    pub(super) fn check(&self) -> io::Result<()> {
        self.permit_withdrawal()?;
        self.check_within(&mut Patience::new(self.deadline))
    }

    fn check_within(&self, patience: &mut Patience) -> io::Result<()> {
        loop {
            let mut state = self.lock();
            while state.link.is_none() || state.behind {
                state = self.wait_for_reaper(state, patience)?;
            }
            drop(state);
            let waited = self.deliver(Request::Ask, None, true, patience, |_| ())?;
            // It may have been sent to a successor, which does not know everything yet.
            if waited == Waited::Taken && !self.lock().behind {
                return Ok(());
            }
        }
    }

    /// From now on there is a reaper at `link`, which knows nothing yet.
    pub(super) fn connect(&self, link: Link) -> Arc<Link> {
        let link = Arc::new(link);
        let mut state = self.lock();
        state.starting = false;
        state.user = User::current();
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
        state.starting = false;
        state.link = None;
        state.trouble = Some(why.to_owned());
        drop(state);
        self.changed.notify_all();
    }

    /// Tells a new reaper what is registered. Others go on meanwhile: whatever they send is in its
    /// place both before and after what is sent here.
    pub(super) fn tell_all(&self, link: &Link) -> io::Result<()> {
        let keys: Vec<u64> = self.lock().live.keys().collect();
        for key in keys {
            loop {
                let sent = match self.lock().live.get(key) {
                    Some(known) => link.send(known.request(key), 0, known.leader.as_deref()),
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

    fn register(&self, key: u64, committed: bool, action: &Encoded) -> io::Result<()> {
        self.permit()?;
        let leader = if action.is_plain() { None } else { self.accompany(action)? };
        let request = Request::Register { key, committed, action: action.bytes() };
        let mut patience = Patience::new(self.deadline);
        let result = self
            .deliver(request, leader.as_deref(), self.acknowledged, &mut patience, |state| {
                let (action, leader) = (Arc::clone(action.bytes()), leader.clone());
                state.live.insert(key, Registration { committed, action, leader });
            })
            .and_then(|waited| match waited {
                Waited::Taken => Ok(()),
                // Its successor is told of everything.
                Waited::Gone => self.check_within(&mut patience),
            });
        if result.is_err() && self.acknowledged && !committed {
            // It may have been sent. The caller creates nothing, and will withdraw nothing.
            let mut state = self.lock();
            if state.live.remove(key).is_some() {
                state.withdrawn.push(key);
            }
        }
        result
    }

    /// What goes with the bytes of an action.
    #[cold]
    fn accompany(&self, action: &Encoded) -> io::Result<Option<Arc<Watchful>>> {
        if action.is_program() {
            self.permit_program()?;
        }
        Ok(action.leader().and_then(|leader| Watchful::new(&leader).ok()).map(Arc::new))
    }

    /// An error where the reaper would not take a registration of this process.
    fn permit(&self) -> io::Result<()> {
        self.permit_withdrawal()?;
        if self.other_user.load(Ordering::Relaxed) { Err(self.other_user()) } else { Ok(()) }
    }

    #[cold]
    fn other_user(&self) -> io::Error {
        let (then, now) = (self.lock().user, User::current());
        io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "this process ran as {then} when it started its reaper, and runs as {now} now: the \
                 reaper must not act for it; start the reaper after the change"
            ),
        )
    }

    /// An error where the reaper could do more in a program than this thread.
    fn permit_program(&self) -> io::Result<()> {
        if Rights::of_this_thread() == self.rights {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "this thread has other rights than when the reaper was started (capabilities, \
             `no_new_privs` or system call filters), and the reaper must not run a program for it with \
             those; start the reaper after the change",
        ))
    }

    fn permit_withdrawal(&self) -> io::Result<()> {
        if fork::generation() == self.generation {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "this process was forked from the one that the reaper watches: start one for it",
        ))
    }

    /// Looks at this process's user and group. The supervisor calls it when it is interrupted: the C
    /// library has every thread change them, by a signal. (Three calls for each registration would
    /// take longer than the registration.)
    pub(super) fn look_at_user(&self) {
        self.other_user.store(User::current() != self.lock().user, Ordering::Relaxed);
    }

    /// Sends a request, and does `then` under the same lock. Waits for a reaper, for room in the
    /// channel, and for the acknowledgement if one is wished, within one deadline in all.
    fn deliver(
        &self,
        request: Request<'_>,
        leader: Option<&Watchful>,
        acknowledged: bool,
        patience: &mut Patience,
        then: impl FnOnce(&mut State),
    ) -> io::Result<Waited> {
        let mut token = 0;
        let mut state = self.lock();
        loop {
            // Under the lock, so that messages have the order of their tokens.
            if acknowledged {
                token = self.tokens.fetch_add(1, Ordering::Relaxed);
            }
            match state.send(request, leader, token) {
                Ok(()) => break,
                Err(obstacle) => state = self.overcome(obstacle, state, patience)?,
            }
        }
        then(&mut state);
        let link = if acknowledged { state.link.clone() } else { None };
        drop(state);
        link.map_or(Ok(Waited::Taken), |link| {
            link.acknowledgements.wait(&link, token, patience.rest())
        })
    }

    /// Waits until it is worth another attempt to send.
    #[cold]
    fn overcome<'a>(
        &'a self,
        obstacle: Option<io::Error>,
        mut state: MutexGuard<'a, State>,
        patience: &mut Patience,
    ) -> io::Result<MutexGuard<'a, State>> {
        let (Some(error), Some(link)) = (obstacle, &state.link) else {
            return self.wait_for_reaper(state, patience);
        };
        if is_full(&error) {
            let link = Arc::clone(link);
            drop(state);
            patience.wait_for_room(&link)?;
            return Ok(self.lock());
        }
        if is_gone(&error) {
            state.link = None;
            return Ok(state);
        }
        if is_lost(&error) {
            let lost = Arc::clone(link);
            return self.wait_for_end_of(&lost, state, patience);
        }
        Err(error)
    }

    fn wait_for_reaper<'a>(
        &self,
        state: MutexGuard<'a, State>,
        patience: &mut Patience,
    ) -> io::Result<MutexGuard<'a, State>> {
        if state.starting {
            patience.extend_to(start::DEADLINE);
        }
        let rest = patience.rest();
        if rest.is_zero() {
            let why = match &state.trouble {
                Some(why) => why,
                None if state.starting => "it has not started yet",
                None if state.link.is_some() => "it is new, and being told what is registered",
                None => "it ended, and is being replaced",
            };
            let message = format!("there is no reaper: {why}");
            return Err(io::Error::new(io::ErrorKind::NotConnected, message));
        }
        Ok(self.changed.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Waits until there is another reaper than the one at `lost`, or none. This end of its channel is
    /// closed; until it has seen that, it acts on what it knows if this process ends.
    fn wait_for_end_of<'a>(
        &self,
        lost: &Arc<Link>,
        mut state: MutexGuard<'a, State>,
        patience: &mut Patience,
    ) -> io::Result<MutexGuard<'a, State>> {
        while state.link.as_ref().is_some_and(|link| Arc::ptr_eq(link, lost)) {
            let rest = patience.rest();
            if rest.is_zero() {
                let what = format!(
                    "the channel to the reaper (process {}) was closed, and the reaper has not ended; \
                     start it after what closes all descriptors",
                    lost.pid
                );
                return Err(io::Error::new(io::ErrorKind::TimedOut, what));
            }
            state =
                self.changed.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(state)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change of the state is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Sends a request behind what waited for room; the error is `None` where there is no reaper.
    fn send(
        &mut self,
        request: Request<'_>,
        leader: Option<&Watchful>,
        token: u64,
    ) -> Result<(), Option<io::Error>> {
        let Some(link) = &self.link else { return Err(None) };
        // Who waits for an answer has the time for a look.
        if token != 0 {
            link.look()?;
        }
        if !self.withdrawn.is_empty() {
            catch_up(&mut self.withdrawn, link)?;
        }
        Ok(link.send(request, token, leader)?)
    }
}

impl Keeper for Channel {
    fn intend(&self, key: u64, action: &Encoded) -> io::Result<()> {
        self.register(key, false, action)
    }

    fn commit(&self, key: u64, action: &Encoded) -> io::Result<()> {
        self.register(key, true, action)
    }

    fn forget(&self, key: u64) -> io::Result<()> {
        self.permit_withdrawal()?;
        let mut state = self.lock();
        state.live.remove(key);
        let Some(link) = &state.link else {
            // Nobody knows of it any more.
            return Ok(());
        };
        // What a stranger were told instead, the reaper would not know.
        match link.look().and_then(|()| link.send(Request::Forget { key }, 0, None)) {
            Ok(()) => return Ok(()),
            Err(error) if is_lost(&error) => {
                let lost = Arc::clone(link);
                drop(self.wait_for_end_of(&lost, state, &mut Patience::new(self.deadline))?);
                return Ok(());
            }
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

    fn done(&self, key: u64) -> io::Result<()> {
        // It outlives no power cut.
        self.forget(key)
    }
}

impl Channel {
    /// Sends what was withdrawn while the channel was full.
    fn flush(&self) -> io::Result<()> {
        let mut patience = Patience::new(self.deadline);
        loop {
            let mut state = self.lock();
            let State { link, withdrawn, stalled, .. } = &mut *state;
            let Some(link) = link else { return Ok(()) };
            match catch_up(withdrawn, link) {
                Err(error) if is_full(&error) && *stalled => {
                    let what = format!("the reaper (process {}) still takes no messages", link.pid);
                    return Err(io::Error::new(io::ErrorKind::TimedOut, what));
                }
                Err(error) if is_full(&error) => {
                    let link = Arc::clone(link);
                    drop(state);
                    if let Err(error) = patience.wait_for_room(&link) {
                        self.lock().stalled = true;
                        return Err(error);
                    }
                }
                Err(error) if is_gone(&error) => {
                    state.link = None;
                    return Ok(());
                }
                Err(error) if is_lost(&error) => {
                    let lost = Arc::clone(link);
                    drop(self.wait_for_end_of(&lost, state, &mut patience)?);
                    return Ok(());
                }
                result => {
                    *stalled = false;
                    return result;
                }
            }
        }
    }
}

/// Sends what was withdrawn while there was no room.
#[cold]
fn catch_up(withdrawn: &mut Vec<u64>, link: &Link) -> io::Result<()> {
    while let Some(&key) = withdrawn.last() {
        link.send(Request::Forget { key }, 0, None)?;
        withdrawn.pop();
    }
    Ok(())
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Whether the other end is closed: the reaper is gone, and there will be another one soon.
fn is_gone(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN))
}

/// Whether this end is closed, by a program that closes what it finds: the reaper, which may live, is
/// about to notice.
pub(super) fn is_lost(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::BADF | Errno::NOTSOCK))
}
