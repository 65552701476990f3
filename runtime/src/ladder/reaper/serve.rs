//! The reaper's own life: it waits for the owner's end, and cleans up.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::net::{SendFlags, Shutdown};
use rustix::process::PidfdFlags;
use signal_hook::consts as signal;

use super::log::Log;
use super::owner::{self, Fate};
use super::perform::{self, Registration};
use super::protocol::{self, Bytes, Hello, Request, Response};
use super::system::{self, Credentials, Received};
use super::wait_until;

/// How long the log may take to be written at the end.
const LOG_DEADLINE: Duration = Duration::from_secs(5);

/// What the owner's end means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The process ended, and nobody holds the channel.
    Process,
    /// The process ended; a fork holds the channel, and is not to be waited for.
    ProcessButForks,
    /// The process runs another program.
    Program,
    /// The channel ended, and the program did not, or not surely.
    Channel,
}

/// Serves the owner on `channel`, which it made, until it ends.
pub(super) fn serve(
    channel: BorrowedFd<'static>,
    owner: Credentials,
    program: &OsStr,
) -> io::Result<()> {
    detach()?;
    let former_score = avoid_being_chosen();
    // Or, on one processor, each message takes its sender twice as long: the reaper looks at it first.
    let waits_for_turns = system::wait_for_turns();
    let mut buffer = vec![0; protocol::LIMIT];
    let (hello, pidfd) = greet(channel, owner, &mut buffer)?;
    let mut reaper = Reaper {
        channel,
        owner,
        pidfd: Arc::new(pidfd),
        log: Log::new(hello.log.as_ref().map(Bytes::to_path), program, owner.pid),
        hello,
        registrations: BTreeMap::new(),
        stranger_seen: false,
        buffer,
    };
    if reaper.hello.predecessors > 0 {
        let count = reaper.hello.predecessors;
        reaper.log.line(&format!("watching in the place of a reaper that ended (number {count})"));
    }
    let end = match reaper.watch() {
        Ok(end) => end,
        Err(error) => {
            // Nothing is known of the owner. It will start another one, if it lives.
            reaper.log.line(&format!("cannot watch any more, nothing is cleaned up: {error}"));
            reaper.log.finish(LOG_DEADLINE);
            return Err(error);
        }
    };
    // What an action starts runs as what the owner would have started.
    if waits_for_turns {
        system::wait_for_turns_no_more();
    }
    if let Some(score) = former_score {
        let _ = std::fs::write(OOM_SCORE, score);
    }
    reaper.clean(end);
    Ok(())
}

/// Leaves the owner's process group, directory and signals.
fn detach() -> io::Result<()> {
    rustix::process::setsid()?;
    rustix::process::chdir("/")?;
    rustix::thread::set_name(c"backstop-reaper")?;
    // Of the thread that started it.
    system::unblock_all();
    // Handlers, not `SIG_IGN`: what an action executes starts with the default again. Also those that
    // would end the reaper when an operator tells all processes of the program something.
    let caught = Arc::new(AtomicBool::new(false));
    for number in [
        signal::SIGTERM,
        signal::SIGINT,
        signal::SIGHUP,
        signal::SIGQUIT,
        signal::SIGUSR1,
        signal::SIGUSR2,
        signal::SIGALRM,
        // Where the owner had limits, its log might meet one.
        signal::SIGXCPU,
        libc::SIGXFSZ,
    ] {
        signal_hook::flag::register(number, Arc::clone(&caught))?;
    }
    Ok(())
}

const OOM_SCORE: &str = "/proc/self/oom_score_adj";

/// Asks the kernel to choose others when memory runs out, which needs a privilege. Returns what was
/// there before if it was changed.
fn avoid_being_chosen() -> Option<String> {
    let former = std::fs::read_to_string(OOM_SCORE).ok()?;
    std::fs::write(OOM_SCORE, "-1000").ok()?;
    Some(former)
}

/// Takes the first message, which must be the owner's greeting, and answers it.
fn greet(
    channel: BorrowedFd<'_>,
    owner: Credentials,
    buffer: &mut [u8],
) -> io::Result<(Hello, OwnedFd)> {
    let refused = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let received = system::receive(channel, buffer, true)?;
    if received.length == 0 {
        return Err(refused("the owner ended before its first message"));
    }
    if received.sender != Some(owner) {
        return Err(refused("the first message is not the owner's"));
    }
    let none = "the first message is no greeting of this version of backstop";
    let message = &buffer[..received.length];
    let version = protocol::version_of_greeting(message).ok_or_else(|| refused(none))?;
    if version != protocol::VERSION {
        return Err(refused(&format!(
            "this reaper is backstop {}, and the program has backstop {version}",
            protocol::VERSION,
        )));
    }
    let Ok((_, Request::Hello(hello))) = Request::parse(message) else {
        return Err(refused(none));
    };
    let hello: Hello = protocol::decode(hello).map_err(|_| refused(none))?;
    let pidfd = received.descriptor.ok_or_else(|| refused("the owner sent no pidfd of itself"))?;
    if process_of(&pidfd)? != owner.pid {
        return Err(refused("the owner sent the pidfd of another process"));
    }
    let me = rustix::process::getpid();
    let own = rustix::process::pidfd_open(me, PidfdFlags::empty())?;
    let ready = Response::Ready { nonce: hello.nonce, pid: me.as_raw_nonzero().get() };
    super::start::send_with(channel, &ready.encode()?, own.as_fd())?;
    Ok((hello, pidfd))
}

/// Which process a pidfd is of: 0 or less if none that this process sees.
fn process_of(pidfd: &OwnedFd) -> io::Result<i32> {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd()))?;
    info.lines()
        .find_map(|line| line.strip_prefix("Pid:"))
        .and_then(|pid| pid.trim().parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a pidfd"))
}

struct Reaper {
    channel: BorrowedFd<'static>,
    owner: Credentials,
    pidfd: Arc<OwnedFd>,
    hello: Hello,
    log: Log,
    /// By key: in the order of registration.
    registrations: BTreeMap<u64, Registration>,
    stranger_seen: bool,
    buffer: Vec<u8>,
}

impl Reaper {
    /// Takes messages until the owner ends.
    fn watch(&mut self) -> io::Result<End> {
        self.watch_process()?;
        // Blocks without a deadline. Whatever ends the channel, what was written before comes first.
        while let Some((length, descriptor)) = self.receive()? {
            self.take(length, descriptor)?;
        }
        self.channel_ended()
    }

    /// Ends the channel, on this side, when the process ends: it may have other holders. (A thread, so
    /// that a message takes one call of the system and not a `poll`, too: that was a fifth of a round
    /// trip.)
    fn watch_process(&self) -> io::Result<()> {
        let (pidfd, channel) = (Arc::clone(&self.pidfd), self.channel);
        thread::Builder::new().name("owner's end".to_owned()).spawn(move || {
            if wait_until(pidfd.as_fd(), PollFlags::IN, None).is_ok() {
                let _ = rustix::net::shutdown(channel, Shutdown::Read);
            }
        })?;
        Ok(())
    }

    /// The next message of the owner's, as the length of what is in the buffer, and the descriptor
    /// that came with it.
    fn receive(&mut self) -> io::Result<Option<(usize, Option<OwnedFd>)>> {
        loop {
            let received = match system::receive(self.channel, &mut self.buffer, true) {
                // The owner ended with acknowledgements unread.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => continue,
                received => received?,
            };
            if received.length == 0 {
                return Ok(None);
            }
            if received.truncated {
                self.log.line("ignored: a message that is too long");
            } else if self.is_trusted(&received) {
                return Ok(Some((received.length, received.descriptor)));
            }
        }
    }

    /// A fork of the owner is another process, and an owner that has changed its user must not have
    /// things removed by the reaper that it could not remove itself. It may withdraw, though.
    fn is_trusted(&mut self, received: &Received) -> bool {
        let sender = received.sender;
        let withdraws = || {
            let message = &self.buffer[..received.length];
            matches!(Request::parse(message), Ok((_, Request::Forget { .. })))
        };
        let trusted = sender == Some(self.owner)
            || sender.is_some_and(|sender| sender.pid == self.owner.pid) && withdraws();
        if !trusted && !self.stranger_seen {
            self.stranger_seen = true;
            self.log.line(&format!("ignored: messages of {sender:?}, who is not the owner"));
        }
        trusted
    }

    fn take(&mut self, length: usize, leader: Option<OwnedFd>) -> io::Result<()> {
        let Ok((token, request)) = Request::parse(&self.buffer[..length]) else {
            self.log.line("ignored: a message that cannot be read");
            return Ok(());
        };
        match request {
            Request::Register { key, committed, action } => {
                let action = Box::from(action);
                self.registrations.insert(key, Registration { committed, action, leader });
            }
            Request::Forget { key } => {
                self.registrations.remove(&key);
            }
            Request::Ask => {}
            Request::Hello(_) => self.log.line("ignored: a second greeting"),
        }
        if token != 0 {
            // An owner that does not read its acknowledgements does not stop the reaper.
            let answer = Response::Taken(token).encode()?;
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            let _ = rustix::net::send(self.channel, &answer, flags);
        }
        Ok(())
    }

    /// The channel ended: here because the process did, or there. Then the process has ended, too, or
    /// soon will have, or something else happened.
    fn channel_ended(&mut self) -> io::Result<End> {
        if self.registrations.is_empty() {
            return Ok(End::Process);
        }
        if !self.has_no_holder(Some(Duration::ZERO))? {
            return self.only_forks();
        }
        let fate = owner::fate(self.owner.pid, self.hello.witness);
        if fate == Fate::Exiting {
            // A large process takes up to a second to end, and surely does.
            self.has_ended(None)?;
            return Ok(End::Process);
        }
        // In this order: it may have ended before it was looked at.
        if self.has_ended(Some(Duration::ZERO))? {
            return Ok(End::Process);
        }
        Ok(match fate {
            Fate::Replaced => End::Program,
            Fate::Lives | Fate::Unknown | Fate::Exiting => End::Channel,
        })
    }

    /// Waits for the process's end.
    fn has_ended(&self, limit: Option<Duration>) -> io::Result<bool> {
        wait_until(self.pidfd.as_fd(), PollFlags::IN, limit)
    }

    /// Waits until nobody holds the other end of the channel.
    fn has_no_holder(&self, limit: Option<Duration>) -> io::Result<bool> {
        // A hang-up is always told of.
        wait_until(self.channel, PollFlags::empty(), limit)
    }

    /// The process ended, and somebody has a copy of its end of the channel.
    fn only_forks(&mut self) -> io::Result<End> {
        if !self.hello.wait_for_forks {
            return Ok(End::ProcessButForks);
        }
        self.log.line("ended, but a fork of it lives on: waiting for that to end");
        self.has_no_holder(None)?;
        Ok(End::Process)
    }

    /// Performs what is left, last registered first.
    fn clean(mut self, end: End) {
        let count = self.registrations.len();
        if count > 0 {
            self.log.line(&format!(
                "{}, and left {count} to clean up",
                match end {
                    End::Process => "ended",
                    End::ProcessButForks => "ended, with forks that live on",
                    End::Program => "executed another program",
                    End::Channel =>
                        "closed the channel but has not surely ended: nothing is cleaned up",
                }
            ));
            if end != End::Channel {
                let registrations = std::mem::take(&mut self.registrations);
                let last_first = registrations.into_values().rev();
                perform::all(last_first, self.hello.action_deadline, &mut self.log);
            }
        }
        self.log.finish(LOG_DEADLINE);
    }
}
