//! The owner's side: a thread that starts the reaper, and another one when that dies.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{PoisonError, RwLock, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use super::channel::Channel;
use super::link::Link;
use super::options::{Builder, OnFork};
use super::protocol::{self, Bytes, Hello};
use super::start::{self, Program};
use super::{owner, system, wait_until};

/// This process's channel; a fork inherits that of its parent, which it cannot use.
static CHANNEL: RwLock<Option<&'static Channel>> = RwLock::new(None);

/// The process that has a reaper, or is starting one; a fork of it is another.
static STARTER: AtomicU32 = AtomicU32::new(0);

/// The channel of this process.
pub(super) fn channel() -> Option<&'static Channel> {
    let channel = *CHANNEL.read().unwrap_or_else(PoisonError::into_inner);
    channel
}

/// How long a fork waits for a lock that a thread may hold which it has no more.
const FORK_DEADLINE: Duration = Duration::from_secs(1);
/// Between two attempts to start a reaper, from the first to the last one.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(5));
/// A reaper that lived this long is replaced without a pause.
const STABLE: Duration = Duration::from_secs(1);

/// Starts this process's reaper, and waits until it watches.
pub(super) fn start(options: Builder, program: Program) -> io::Result<()> {
    // Before anything else, so that the error is about this.
    system::refuse_privileges()?;
    let me = std::process::id();
    if STARTER.swap(me, Ordering::AcqRel) == me {
        let message = "this process has a reaper already";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    let started = start_supervisor(options, program).and_then(publish);
    if started.is_err() {
        STARTER.store(0, Ordering::Release);
    }
    started
}

fn start_supervisor(options: Builder, program: Program) -> io::Result<&'static Channel> {
    let (tell, told) = mpsc::channel();
    thread::Builder::new()
        .name("backstop-reaper".to_owned())
        .spawn(move || supervise(&options, &program, &tell))?;
    told.recv().unwrap_or_else(|_| Err(io::Error::other("the supervisor thread panicked")))
}

fn publish(channel: &'static Channel) -> io::Result<()> {
    let end = Instant::now() + FORK_DEADLINE;
    loop {
        match CHANNEL.try_write() {
            Ok(mut place) => {
                *place = Some(channel);
                return Ok(());
            }
            Err(TryLockError::Poisoned(error)) => {
                *error.into_inner() = Some(channel);
                return Ok(());
            }
            Err(TryLockError::WouldBlock) if Instant::now() < end => thread::yield_now(),
            Err(TryLockError::WouldBlock) => {
                let message = "this process was forked while another thread used the reaper";
                return Err(io::Error::new(io::ErrorKind::Deadlock, message));
            }
        }
    }
}

/// What the supervisor thread does, for as long as the program runs. Being that, it is also the
/// witness that the program runs: see [`super::owner`].
fn supervise(options: &Builder, program: &Program, tell: &Sender<io::Result<&'static Channel>>) {
    let first = greeting(options).and_then(|hello| Ok((start(program, &hello)?, hello)));
    let (link, mut hello) = match first {
        Ok(first) => first,
        Err(error) => {
            let _ = tell.send(Err(error));
            return;
        }
    };
    // Leaked: one for the life of the process.
    let channel: &'static Channel =
        Box::leak(Box::new(Channel::new(options.deadline, options.acknowledged)));
    let mut link = channel.connect(link);
    // Nothing is registered yet.
    let _ = channel.tell_all(&link);
    let _ = tell.send(Ok(channel));
    let mut since = Instant::now();
    let mut pause = PAUSE.0;
    loop {
        // An error means that the descriptor is gone, with the channel's.
        let _ = wait_until(link.reaper(), PollFlags::IN, None);
        channel.disconnect("it ended, and is being replaced");
        drop(link);
        if since.elapsed() >= STABLE {
            pause = PAUSE.0;
        } else {
            thread::sleep(pause);
            pause = PAUSE.1.min(pause * 2);
        }
        link = loop {
            hello.predecessors = hello.predecessors.saturating_add(1);
            match start(program, &hello) {
                Ok(link) => break channel.connect(link),
                Err(error) => channel.disconnect(&error.to_string()),
            }
            thread::sleep(pause);
            pause = PAUSE.1.min(pause * 2);
        };
        since = Instant::now();
        // If this fails, the new one has died, too.
        let _ = channel.tell_all(&link);
    }

    fn start(program: &Program, hello: &Hello) -> io::Result<Link> {
        Link::new(start::start(program, hello)?)
    }
}

fn greeting(options: &Builder) -> io::Result<Hello> {
    let mut nonce = [0; 16];
    rustix::rand::getrandom(&mut nonce, rustix::rand::GetRandomFlags::empty())?;
    Ok(Hello {
        version: protocol::VERSION.to_owned(),
        nonce,
        witness: owner::witness()?,
        wait_for_forks: options.on_fork == OnFork::Wait,
        action_deadline: options.action_deadline,
        log: options.log.path().as_deref().map(Bytes::from),
        predecessors: 0,
    })
}
