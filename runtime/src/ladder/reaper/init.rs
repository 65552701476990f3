//! Process 1 of a container.
//!
//! The kernel kills everything in a process-id namespace when its process 1 ends, the reaper too, so
//! a program that is process 1 cannot be cleaned up after. Here process 1 becomes what an init is,
//! and the program its child, which starts a reaper as anywhere else. Process 1 hands signals on,
//! takes orphans that have ended, and when the program has ended it kills what is left, as the
//! kernel would have, waits for the reaper, and ends as the program did.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

use super::start::NAME;
use super::system::{self, Signals};

/// How often what is left is looked at, once the program has ended.
const PAUSE: Duration = Duration::from_millis(50);

/// Whether this is process 1 of its namespace.
pub(super) fn is_process_1() -> bool {
    rustix::process::getpid() == Pid::INIT
}

/// If this is process 1, executes this program again, as a child, and does not return; an error if
/// that cannot be done. To be called before there is another thread: a signal goes to any that does
/// not block it, and the end of the program that another one has taken would not be seen here.
pub(crate) fn if_process_1_then_init() -> io::Result<()> {
    if is_process_1() {
        system::refuse_privileges()?;
        match become_init()? {}
    }
    Ok(())
}

fn become_init() -> io::Result<std::convert::Infallible> {
    if fs::read_link("/proc/self")? != Path::new("1") {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this is process 1 of a namespace that /proc does not show",
        ));
    }
    let signals = Signals::block()?;
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_else(|| OsString::from("?"));
    let mut program = Command::new("/proc/self/exe");
    program.arg0(name).args(arguments);
    signals.restore_in(&mut program);
    let child = match program.spawn() {
        Ok(child) => Pid::from_child(&child),
        Err(error) => {
            signals.restore();
            return Err(error);
        }
    };
    let status = watch(child, &signals)?;
    end_the_rest(&signals);
    // A signal that nobody handles does not end process 1, so it cannot end as its child did.
    let code =
        status.exit_status().or_else(|| status.terminating_signal().map(|number| 128 + number));
    system::end(code.unwrap_or(255))
}

/// Hands signals on to the program until it ends.
fn watch(program: Pid, signals: &Signals) -> io::Result<WaitStatus> {
    loop {
        match signals.next(None)? {
            Some(signal) if signal.number == libc::SIGCHLD => {
                if let Some(status) = take_ended(program) {
                    return Ok(status);
                }
            }
            // The terminal has told the whole process group, of which the program is one.
            Some(signal) if signal.by_kernel => {}
            Some(signal) => {
                if let Some(signal) = Signal::from_named_raw(signal.number) {
                    let _ = rustix::process::kill_process(program, signal);
                }
            }
            None => {}
        }
    }
}

/// Takes all children that have ended: how the program did, if it is among them.
fn take_ended(program: Pid) -> Option<WaitStatus> {
    let mut result = None;
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((child, status))) if child == program => result = Some(status),
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) | Err(_) => return result,
        }
    }
}

/// Kills everything but reapers, and waits for those.
fn end_the_rest(signals: &Signals) {
    loop {
        take_ended(Pid::INIT);
        let (reapers, others) = rest();
        for process in others {
            let _ = rustix::process::kill_process(process, Signal::KILL);
        }
        if reapers == 0 {
            return;
        }
        // By a child's end at the latest.
        let _ = signals.next(Some(PAUSE));
    }
}

/// How many reapers there are, and who else.
fn rest() -> (usize, Vec<Pid>) {
    let processes = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| Pid::from_raw(entry.ok()?.file_name().to_str()?.parse().ok()?));
    // The name alone would be anybody's to take, and to be waited for.
    let program =
        |process| fs::metadata(format!("/proc/{process}/exe")).map(|it| (it.dev(), it.ino()));
    let own = program(Pid::INIT).ok();
    let (reapers, others): (Vec<Pid>, Vec<Pid>) =
        processes.filter(|process| *process != Pid::INIT).partition(|process| {
            program(*process).ok() == own
                && fs::read(format!("/proc/{process}/cmdline"))
                    .is_ok_and(|line| line.split(|byte| *byte == 0).next() == Some(NAME.as_bytes()))
        });
    (reapers.len(), others)
}
