//! The thread that starts children: the kernel ends a child with the *thread* that started it.
#![allow(unsafe_code, reason = "what a child does before it becomes the program")]

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal};

struct Order {
    command: Command,
    answer: Sender<io::Result<Child>>,
}

/// Where to order a child, and the process that the thread lives in: a forked one has no such thread.
static SPAWNER: Mutex<Option<(Pid, Sender<Order>)>> = Mutex::new(None);

/// Starts `command` so that the kernel kills it when this process is gone.
pub(super) fn spawn(mut command: Command) -> io::Result<Child> {
    let parent = getpid();
    // SAFETY: between `fork` and `exec` this makes two system calls and touches no memory that
    // another thread may have left in the middle of a change.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // It may have died before: then nobody sends the signal.
            if getppid() == Some(parent) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
        });
    }
    let (answer, child) = channel();
    spawner(parent)?.send(Order { command, answer }).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}

fn gone() -> io::Error {
    io::Error::other("the thread that starts children has ended")
}

fn spawner(process: Pid) -> io::Result<Sender<Order>> {
    let mut spawner = SPAWNER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((owner, orders)) = &*spawner {
        if *owner == process {
            return Ok(orders.clone());
        }
    }
    let (orders, received) = channel();
    // Detached: it has to live as long as the process, and it holds nothing.
    drop(thread::Builder::new().name("backstop-spawn".to_owned()).spawn(move || serve(&received))?);
    *spawner = Some((process, orders.clone()));
    Ok(orders)
}

fn serve(orders: &Receiver<Order>) {
    // The sender in `SPAWNER` is never dropped.
    while let Ok(Order { mut command, answer }) = orders.recv() {
        let _ = answer.send(command.spawn());
    }
}
