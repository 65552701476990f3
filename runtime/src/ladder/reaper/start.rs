//! How a reaper comes to life: executed by the owner through a process in between, which ends at
//! once, so that the reaper is nobody's child.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    sockopt,
};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, pidfd_send_signal, waitid,
};

use super::protocol::{self, Hello, Request, Response};
use super::system::{self, Credentials};
use super::{serve, wait_until};
use crate::ladder::exit;

/// How the reaper is called in `ps`, and what makes a program look whether it is to be one.
pub(super) const NAME: &str = "backstop-reaper";
/// The first argument of the process in between.
const BETWEEN: &str = "start";
/// How long a start may take. It takes about a millisecond; under an emulator or a memory checker,
/// a thousand times that.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// For the cleanups of what constructors have made, in each process of a reaper's start.
const CONSTRUCTORS: Duration = Duration::from_secs(1);

const THIS: &str = "/proc/self/exe";

/// What is executed as the reaper.
#[derive(Debug, Clone)]
pub(super) struct Program(PathBuf);

impl Program {
    /// This program again, even if its file has been replaced or removed since.
    pub(super) fn this() -> Self {
        Self(PathBuf::from(THIS))
    }

    /// The helper: at `path`, else beside this program.
    pub(super) fn helper(path: Option<&Path>) -> io::Result<Self> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => env::current_exe()?.with_file_name(NAME),
        };
        if path.is_file() {
            return std::path::absolute(path).map(Self);
        }
        Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!(
                "there is no reaper at {}: `cargo install backstop --features process` builds \
                 `{NAME}`; put it there, or tell where it is with `reaper::Builder::helper`",
                path.display()
            ),
        ))
    }
}

/// A reaper that watches this process.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) channel: OwnedFd,
    pub(super) pidfd: OwnedFd,
    pub(super) pid: i32,
}

/// Starts a reaper for this process, and waits until it watches.
pub(super) fn start(program: &Program, hello: &Hello) -> io::Result<Started> {
    system::refuse_privileges()?;
    let me = rustix::process::getpid();
    let own = rustix::process::pidfd_open(me, PidfdFlags::empty())?;
    let flags = SocketFlags::CLOEXEC;
    let (channel, theirs) =
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    // Before anything is sent: each message is to carry who sent it.
    sockopt::set_socket_passcred(&theirs, true)?;
    // As much room as the system allows, for a reaper that does not get to run for a while.
    let _ = sockopt::set_socket_send_buffer_size(&channel, 1 << 20);
    let between = Command::new(&program.0)
        .arg0(NAME)
        .arg(BETWEEN)
        .arg(me.to_string())
        .arg(name())
        .stdin(theirs)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| explain(&format!("cannot execute {}", program.0.display()), &error))?;
    let between = Between::new(&between)?;
    let told = Request::Hello(&hello.encode()?)
        .send(0, |message| send_with(channel.as_fd(), message, own.as_fd()));
    let answer = match told {
        // It has ended already, and may have said why.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => answer(&channel, hello),
        told => told.and_then(|()| answer(&channel, hello)),
    };
    match answer {
        Ok((pid, pidfd)) => {
            between.wait();
            Ok(Started { channel, pidfd, pid })
        }
        Err(error) => Err(explain("the reaper did not start", &error)),
    }
}

fn explain(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

/// The process in between, as a child of the owner. Not by its number: somebody else in this process
/// may wait for all children, and have got it; then the number is anybody's.
struct Between(OwnedFd);

impl Between {
    fn new(child: &Child) -> io::Result<Self> {
        Ok(Self(rustix::process::pidfd_open(Pid::from_child(child), PidfdFlags::empty())?))
    }

    /// It ends at once.
    fn wait(&self) {
        let _ = self.wait_with(WaitIdOptions::EXITED);
    }

    fn wait_with(&self, options: WaitIdOptions) -> rustix::io::Result<Option<WaitIdStatus>> {
        rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(self.0.as_fd()), options))
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        // An error where it is no child: it was waited for, and had ended before it was opened.
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if self.wait_with(look).is_ok() {
            let _ = pidfd_send_signal(&self.0, Signal::KILL);
            self.wait();
        }
    }
}

fn answer(channel: &OwnedFd, hello: &Hello) -> io::Result<(i32, OwnedFd)> {
    if !wait_until(channel.as_fd(), PollFlags::IN, Some(DEADLINE))? {
        return Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("nothing within {DEADLINE:?}"),
        ));
    }
    let mut buffer = [0; 4096];
    let received = match system::receive(channel.as_fd(), &mut buffer, false) {
        Ok(received) if received.length > 0 => received,
        Err(error) if error.kind() != io::ErrorKind::ConnectionReset => return Err(error),
        _ => {
            let message = "it ended before it said anything; does `main` begin with the reaper's?";
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, message));
        }
    };
    match (protocol::decode(&buffer[..received.length]), received.descriptor) {
        (Ok(Response::Ready { nonce, pid }), Some(pidfd)) if nonce == hello.nonce => {
            Ok((pid, pidfd))
        }
        (Ok(Response::Refused(why)), _) => Err(io::Error::other(why)),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "it gave an answer that is none")),
    }
}

/// This program's name, for `ps` and the log.
fn name() -> OsString {
    env::current_exe()
        .ok()
        .and_then(|path| path.file_name().map(OsStr::to_owned))
        .unwrap_or_else(|| OsString::from("?"))
}

/// Sends a message together with a descriptor.
pub(super) fn send_with(
    channel: BorrowedFd<'_>,
    message: &[u8],
    descriptor: BorrowedFd<'_>,
) -> io::Result<()> {
    let descriptors = [descriptor];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    rustix::net::sendmsg(channel, &[IoSlice::new(message)], &mut control, flags)?;
    Ok(())
}

/// Serves, and does not return, if this process was executed to be a reaper. It looks at `argv[0]`,
/// and returns if that is another name.
pub(crate) fn if_reaper_then_serve() {
    let mut arguments = env::args_os();
    if arguments.next().is_some_and(|name| name == NAME) {
        be_reaper(&arguments.collect::<Vec<_>>());
    }
}

/// What the helper program is.
pub(crate) fn main_of_helper() -> ! {
    be_reaper(&env::args_os().skip(1).collect::<Vec<_>>())
}

fn be_reaper(arguments: &[OsString]) -> ! {
    // What constructors have made before `main`, which runs no `atexit` handler here.
    let _ = exit::run_all(CONSTRUCTORS);
    let status = match try_be_reaper(arguments) {
        Ok(()) => 0,
        Err(error) => {
            // By hand, standard error is somebody's; from an owner it is /dev/null.
            eprintln!("{NAME}: {error}");
            2
        }
    };
    system::end(status)
}

fn try_be_reaper(arguments: &[OsString]) -> io::Result<()> {
    system::refuse_privileges()?;
    let (between, pid, program) = match arguments {
        [between, pid, program] if between == BETWEEN => (true, pid, program),
        [pid, program] => (false, pid, program),
        _ => return Err(by_hand()),
    };
    let channel = rustix::stdio::stdin();
    let owner = verify(channel, pid)?;
    let result = if between {
        execute_reaper(owner, pid, program)
    } else {
        serve::serve(channel, owner, program)
    };
    if let Err(error) = &result {
        if let Ok(answer) = Response::Refused(error.to_string()).encode() {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            let _ = rustix::net::send(channel, &answer, flags);
        }
    }
    result
}

fn by_hand() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "this program watches another one, and is started by that one (with its channel on \
         standard input), not by hand",
    )
}

/// Whether standard input is a channel that the process `pid` made, with the same user as this one.
fn verify(channel: BorrowedFd<'_>, pid: &OsStr) -> io::Result<Credentials> {
    let (Ok(AddressFamily::UNIX), Ok(SocketType::SEQPACKET), Ok(maker)) =
        (sockopt::socket_domain(channel), sockopt::socket_type(channel), system::maker(channel))
    else {
        return Err(by_hand());
    };
    let pid = pid.to_str().and_then(|pid| pid.parse().ok()).ok_or_else(by_hand)?;
    let expected = Credentials {
        pid,
        uid: rustix::process::getuid().as_raw(),
        gid: rustix::process::getgid().as_raw(),
    };
    if maker == expected {
        return Ok(maker);
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("the channel was made by {maker:?}, not by {expected:?}"),
    ))
}

/// What the process in between does: it executes the reaper, and leaves it to init.
fn execute_reaper(owner: Credentials, pid: &OsStr, program: &OsStr) -> io::Result<()> {
    let parent = rustix::process::getppid().map(Pid::as_raw_pid);
    if parent != Some(owner.pid) {
        return Err(by_hand());
    }
    system::close_rest_on_exec()?;
    let mut command = Command::new(THIS);
    command.arg0(NAME).arg(pid).arg(program).stdout(Stdio::null()).stderr(Stdio::null());
    drop(command.spawn()?);
    Ok(())
}
