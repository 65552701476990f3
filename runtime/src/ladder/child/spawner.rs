//! The thread that starts children: the kernel ends a child with the *thread* that started it.
//!
//! A child is registered before it becomes the program: until then it waits, so that it has no
//! children of its own that nobody would end.
#![allow(unsafe_code, reason = "what a child does before it becomes the program")]

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rustix::io::{read, retry_on_intr, write};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Signal, getpid, getppid, kill_process, set_parent_process_death_signal};

use crate::forever::OfProcess;
use crate::ladder::mask::{Mask, with_signals_blocked};

struct Order {
    command: Command,
    /// Of the caller.
    namespaces: Namespaces,
    answer: Sender<io::Result<Child>>,
    /// For a child that does not come to say its number.
    says: OwnedFd,
    /// The signals that the child starts with blocked, as one of the ordering thread would.
    mask: Mask,
}

/// Where to order a child. A forked process has no such thread from its parent.
static SPAWNER: OfProcess<Sender<Order>> = OfProcess::new();

/// What the child reads: whether it may become the program.
const GO: [u8; 1] = [1];
const STOP: [u8; 1] = [0];

/// Starts `command` so that the kernel kills it when this process is gone, and calls `register` with
/// its number before it becomes the program.
pub(super) fn spawn<T>(
    mut command: Command,
    register: impl FnOnce(u32) -> io::Result<T>,
) -> io::Result<(Child, T)> {
    let parent = getpid();
    let spawner = spawner()?;
    let (number, says) = pipe_with(PipeFlags::CLOEXEC)?;
    let (may, go) = pipe_with(PipeFlags::CLOEXEC)?;
    let its_says = says.try_clone()?;
    // SAFETY: between `fork` and `exec` this makes a few system calls and touches no memory that
    // another thread may have left in the middle of a change.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // It may have died before: then nobody sends the signal, nor listens to an error.
            if getppid() != Some(parent) {
                kill_process(getpid(), Signal::KILL)?;
            }
            write(&its_says, &getpid().as_raw_nonzero().get().to_ne_bytes())?;
            let mut answer = STOP;
            retry_on_intr(|| read(&may, &mut answer))?;
            if answer == GO { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
        });
    }
    let (answer, child) = channel();
    let (namespaces, mask) = (Namespaces::of_this_thread(), Mask::current());
    let order = Order { command, namespaces, answer, says, mask };
    spawner.send(order).map_err(|_| gone())?;
    let mut bytes = [0; 4];
    // Four bytes go through a pipe as one.
    retry_on_intr(|| read(&number, &mut bytes))?;
    let registered = match u32::from_ne_bytes(bytes) {
        0 => None,
        number => {
            let registered = register(number);
            write(&go, if registered.is_ok() { &GO } else { &STOP })?;
            Some(registered)
        }
    };
    let child = child.recv().map_err(|_| gone())?;
    match registered {
        Some(Err(error)) => Err(error),
        Some(Ok(registered)) => Ok((child?, registered)),
        None => Err(child.err().unwrap_or_else(gone)),
    }
}

fn gone() -> io::Error {
    io::Error::other("the thread that starts children has ended")
}

fn elsewhere() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "this thread is in other namespaces than the thread that starts children, and so would the \
         child be: change the namespaces before the first child, or use `std::process::Command` here",
    )
}

/// What `/proc` calls the namespaces that a thread, or its children, are in; nothing without `/proc`.
#[derive(PartialEq, Eq)]
struct Namespaces([Option<PathBuf>; 8]);

impl Namespaces {
    fn of_this_thread() -> Self {
        const NAMES: [&str; 8] =
            ["cgroup", "ipc", "mnt", "net", "pid_for_children", "time_for_children", "user", "uts"];
        Self(NAMES.map(|name| fs::read_link(format!("/proc/thread-self/ns/{name}")).ok()))
    }
}

fn spawner() -> io::Result<&'static Sender<Order>> {
    SPAWNER.get_or_make(|| {
        let (orders, received) = channel();
        // Detached: it has to live as long as the process, and it holds nothing.
        let thread = thread::Builder::new().name("backstop-spawn".to_owned());
        drop(with_signals_blocked(|| thread.spawn(move || serve(&received)))?);
        Ok(orders)
    })
}

fn serve(orders: &Receiver<Order>) {
    let own = Namespaces::of_this_thread();
    // The sender in `SPAWNER` is never dropped; one that did not come to be there is, unused.
    while let Ok(Order { mut command, namespaces, answer, says, mask }) = orders.recv() {
        let usual = mask.set();
        let child = if namespaces == own { command.spawn() } else { Err(elsewhere()) };
        usual.set();
        if child.is_err() {
            // It may have said it already: then nobody reads this.
            let _ = write(&says, &[0; 4]);
        }
        let _ = answer.send(child);
    }
}
