//! The owner's side: a thread that starts the reaper, and another one when that dies.

use std::io;
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::channel::Channel;
use super::link::Link;
use super::options::{Builder, OnFork};
use super::protocol::{self, Bytes, Hello};
use super::start::{self, Program};
use super::system::Signals;
use super::{fork, owner, system, wait_until};
use crate::forever::Place;
use crate::ladder::root::Root;

/// This process's channel; a fork inherits that of its parent, which it cannot use.
static CHANNEL: Place<Channel> = Place::empty();

/// What this process's paths began with when it started its reaper, which calls the same `/`.
static ROOT: Place<Root> = Place::empty();

/// The process that has a reaper, or is starting one; a fork of it is another.
static STARTER: AtomicU32 = AtomicU32::new(0);

/// The channel of this process.
pub(super) fn channel() -> Option<&'static Channel> {
    CHANNEL.get()
}

/// The root directory that the reaper has.
pub(super) fn root() -> Option<&'static Root> {
    ROOT.get()
}

/// Between two attempts to start a reaper, from the first to the last one.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(5));
/// How often the supervisor looks whether its descriptors are still its own.
const LOOK: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };
/// A reaper that lived this long is replaced without a pause.
const STABLE: Duration = Duration::from_secs(1);

/// Starts this process's reaper. If it is to be waited for, it watches when this returns; else
/// registrations wait for it, and are errors if it does not come.
pub(super) fn start(options: Builder, program: Program, wait: bool) -> io::Result<()> {
    // Before anything else, so that the error is about this.
    system::refuse_privileges()?;
    fork::watch()?;
    let me = std::process::id();
    if STARTER.swap(me, Ordering::AcqRel) == me {
        let message = "this process has a reaper already";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    ROOT.put(Box::leak(Box::new(Root::current())));
    match start_supervisor(options, program, wait) {
        Ok(channel) => {
            CHANNEL.put(channel);
            Ok(())
        }
        Err(error) => {
            STARTER.store(0, Ordering::Release);
            Err(error)
        }
    }
}

fn start_supervisor(
    options: Builder,
    program: Program,
    wait: bool,
) -> io::Result<&'static Channel> {
    let (tell, told) = mpsc::channel();
    let tell = wait.then_some(tell);
    // Leaked: one for the life of the process.
    let channel: &'static Channel =
        Box::leak(Box::new(Channel::new(options.deadline, options.acknowledged)));
    thread::Builder::new()
        .name("backstop-reaper".to_owned())
        .spawn(move || supervise(&options, &program, channel, tell))?;
    if wait {
        told.recv().unwrap_or_else(|_| Err(io::Error::other("the supervisor thread panicked")))?;
    }
    Ok(channel)
}

/// What the supervisor thread does, for as long as the program runs. Being that, it is also the
/// witness that the program runs: see [`super::owner`].
fn supervise(
    options: &Builder,
    program: &Program,
    channel: &Channel,
    mut tell: Option<Sender<io::Result<()>>>,
) {
    // The program's signals are for its own threads: it may block them in all of those, and wait.
    let _blocked = Signals::block();
    let mut pause = PAUSE.0;
    let mut predecessors = 0;
    loop {
        let link = greeting(options, predecessors)
            .and_then(|hello| Link::new(start::start(program, &hello)?, options.deadline));
        let link = match link {
            Ok(link) => channel.connect(link),
            Err(error) => {
                if let Some(tell) = tell {
                    let _ = tell.send(Err(error));
                    return;
                }
                channel.disconnect(&error.to_string());
                pause = pause_after(pause);
                continue;
            }
        };
        let since = Instant::now();
        // If this fails, the new one has died, too.
        let _ = channel.tell_all(&link);
        if let Some(tell) = tell.take() {
            let _ = tell.send(Ok(()));
        }
        wait_for_end(&link, channel);
        channel.disconnect("it ended, and is being replaced");
        predecessors += 1;
        pause = if since.elapsed() >= STABLE { PAUSE.0 } else { pause_after(pause) };
    }
}

/// Waits until the reaper has ended.
fn wait_for_end(link: &Link, channel: &Channel) {
    loop {
        channel.look_at_user();
        let Some(pidfd) = link.reaper() else { break };
        // Once woken, `poll` looks the number up again. Where that is a stranger's by then, it sleeps on.
        match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&LOOK)) {
            Ok(0) | Err(Errno::INTR) => {}
            _ => return,
        }
    }
    // The program has closed what it found, the channel too: the reaper ends by itself, as soon as it
    // gets to run. What has its number is another process afterwards, which is not to be waited for.
    let reaper = Pid::from_raw(link.pid).map(|pid| pidfd_open(pid, PidfdFlags::empty()));
    if let Some(Ok(pidfd)) = reaper {
        let _ = wait_until(pidfd.as_fd(), PollFlags::IN, Some(STABLE));
    }
}

/// Waits, and tells how long to wait the next time.
fn pause_after(pause: Duration) -> Duration {
    thread::sleep(pause);
    PAUSE.1.min(pause * 2)
}

fn greeting(options: &Builder, predecessors: u32) -> io::Result<Hello> {
    let mut nonce = [0; 16];
    rustix::rand::getrandom(&mut nonce, rustix::rand::GetRandomFlags::empty())?;
    Ok(Hello {
        version: protocol::VERSION.to_owned(),
        nonce,
        witness: owner::witness()?,
        wait_for_forks: options.on_fork == OnFork::Wait,
        action_deadline: options.action_deadline,
        log: options.log.path().as_deref().map(Bytes::from),
        predecessors,
    })
}
