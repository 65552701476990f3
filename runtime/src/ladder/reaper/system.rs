//! The calls that rustix does not have, or not soundly.
#![allow(unsafe_code, reason = "libc's calls")]

use std::io::{self, IoSliceMut};
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;
use std::time::Duration;

/// Who sent a message or made a socket, as the kernel tells it. A process id of 0 is somebody whom
/// this process's namespace does not see (rustix's type has no room for that).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) pid: i32,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl From<libc::ucred> for Credentials {
    fn from(libc::ucred { pid, uid, gid }: libc::ucred) -> Self {
        Self { pid, uid, gid }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a few bytes")]
const UCRED: u32 = size_of::<libc::ucred>() as u32;
#[allow(clippy::cast_possible_truncation, reason = "a few bytes")]
const DESCRIPTOR: u32 = size_of::<i32>() as u32;

/// A received message.
#[derive(Debug)]
pub(super) struct Received {
    /// Its length, in bytes; 0 is the end of the channel.
    pub(super) length: usize,
    /// Whether it was longer than the buffer.
    pub(super) truncated: bool,
    /// Who sent it, if the socket was told to say so.
    pub(super) sender: Option<Credentials>,
    /// The descriptor that came with it.
    pub(super) descriptor: Option<OwnedFd>,
}

/// Receives one message. `WouldBlock` if there is none and `wait` is not wished.
pub(super) fn receive(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
    wait: bool,
) -> io::Result<Received> {
    #[repr(C, align(16))]
    struct Control([MaybeUninit<u8>; 128]);
    let mut control = Control([MaybeUninit::uninit(); 128]);
    let mut slice = IoSliceMut::new(buffer);
    // SAFETY: all of a `msghdr`'s fields may be zero.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    // `IoSliceMut` is documented to have the layout of an `iovec`.
    header.msg_iov = ptr::from_mut(&mut slice).cast();
    header.msg_iovlen = 1;
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = control.0.len() as _;
    let flags = libc::MSG_CMSG_CLOEXEC | if wait { 0 } else { libc::MSG_DONTWAIT };
    let length = loop {
        // SAFETY: `header` points to one buffer and to space for control messages, which both
        // outlive the call and have the lengths that it says.
        let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags) };
        match usize::try_from(length) {
            Ok(length) => break length,
            Err(_) => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    };
    let mut received = Received {
        length,
        truncated: header.msg_flags & libc::MSG_TRUNC != 0,
        sender: None,
        descriptor: None,
    };
    // SAFETY: the kernel has filled `header` and the space for control messages.
    let mut message = unsafe { libc::CMSG_FIRSTHDR(&raw const header) };
    while !message.is_null() {
        // SAFETY: `message` is not null, so it points to a header inside of `control`.
        let (level, kind, size) =
            unsafe { ((*message).cmsg_level, (*message).cmsg_type, (*message).cmsg_len as usize) };
        // SAFETY: as above; the data follow the header.
        let data = unsafe { libc::CMSG_DATA(message) };
        // SAFETY: only arithmetic.
        let whole = |length: u32| size >= unsafe { libc::CMSG_LEN(length) } as usize;
        if (level, kind) == (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) && whole(UCRED) {
            // SAFETY: the message is long enough for an `ucred`, which any bytes are.
            let sender = unsafe { data.cast::<libc::ucred>().read_unaligned() };
            received.sender = Some(sender.into());
        } else if (level, kind) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
            let mut at = 0;
            while whole(at + DESCRIPTOR) {
                // SAFETY: the message is long enough for a descriptor at `at`.
                let descriptor = unsafe { data.add(at as usize).cast::<i32>().read_unaligned() };
                // SAFETY: the kernel made it for this process, and nobody else knows of it. All
                // but one are closed again here.
                received.descriptor = Some(unsafe { OwnedFd::from_raw_fd(descriptor) });
                at += DESCRIPTOR;
            }
        }
        // SAFETY: as for `CMSG_FIRSTHDR`; `message` is one of this header's.
        message = unsafe { libc::CMSG_NXTHDR(&raw const header, message) };
    }
    Ok(received)
}

/// Who made the socket pair.
pub(super) fn maker(socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    let mut maker = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size: libc::socklen_t = UCRED;
    // SAFETY: `maker` and `size` outlive the call, and `size` is that of `maker`.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            ptr::from_mut(&mut maker).cast(),
            &raw mut size,
        )
    };
    if result == 0 { Ok(maker.into()) } else { Err(io::Error::last_os_error()) }
}

/// An error if this process has privileges that its caller may not have: then nobody's orders are
/// to be taken from a channel.
pub(super) fn refuse_privileges() -> io::Result<()> {
    let refused = |why: &str| {
        let message = format!("a reaper cannot serve a process with borrowed privileges ({why})");
        Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
    };
    // SAFETY: `getauxval` has no preconditions.
    if unsafe { libc::getauxval(libc::AT_SECURE) } != 0 {
        return refused("it is set-user-id, set-group-id, or has file capabilities");
    }
    let mut ids = [0; 3];
    let [real, effective, saved] = ids.each_mut();
    // SAFETY: the three pointers are to distinct places that outlive the call.
    if unsafe { libc::getresuid(real, effective, saved) } != 0 || ids != [ids[0]; 3] {
        return refused("its real, effective and saved user ids differ");
    }
    let [real, effective, saved] = ids.each_mut();
    // SAFETY: as above.
    if unsafe { libc::getresgid(real, effective, saved) } != 0 || ids != [ids[0]; 3] {
        return refused("its real, effective and saved group ids differ");
    }
    Ok(())
}

/// Marks every descriptor from 3 on to be closed on exec.
pub(super) fn close_rest_on_exec() -> io::Result<()> {
    // SAFETY: sets a flag of descriptors, and closes none.
    let result = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3 as libc::c_uint,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    if result == 0 {
        return Ok(());
    }
    // Before Linux 5.11.
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let name = entry?.file_name();
        let Some(number @ 3..) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // SAFETY: as above.
        unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    Ok(())
}

/// Has the calling thread, if it is scheduled as usual, wait for its turn when it is woken, and not take
/// the processor from whoever woke it: `SCHED_BATCH` of sched(7). What it starts inherits this. Tells
/// whether that is so now; where it is refused, nothing but time is lost.
pub(crate) fn wait_for_turns() -> bool {
    // SAFETY: has no pointers; 0 is the calling thread.
    let policy = unsafe { libc::syscall(libc::SYS_sched_getscheduler, 0) };
    policy == libc::SCHED_OTHER.into() && schedule(libc::SCHED_BATCH)
}

/// As before [`wait_for_turns`], if that had an effect.
pub(super) fn wait_for_turns_no_more() {
    schedule(libc::SCHED_OTHER);
}

/// By the call and not by its wrapper, which musl has only as an error.
fn schedule(policy: i32) -> bool {
    let parameter = libc::sched_param { sched_priority: 0 };
    // SAFETY: `parameter` outlives the call.
    unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const parameter) == 0 }
}

/// Ends this process without the exit handlers of the program that it was re-executed from.
pub(super) fn end(status: i32) -> ! {
    // SAFETY: has no preconditions.
    unsafe { libc::_exit(status) }
}

/// All signals that can be waited for, blocked in the calling thread.
pub(super) struct Signals {
    blocked: libc::sigset_t,
    former: libc::sigset_t,
}

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrived {
    pub(super) number: i32,
    /// Not sent by a process: by a terminal, for instance.
    pub(super) by_kernel: bool,
}

impl Signals {
    pub(super) fn block() -> io::Result<Self> {
        // What a faulty instruction raises cannot wait.
        const FAULTS: [i32; 7] = [
            libc::SIGSEGV,
            libc::SIGBUS,
            libc::SIGFPE,
            libc::SIGILL,
            libc::SIGTRAP,
            libc::SIGSYS,
            libc::SIGABRT,
        ];
        let mut blocked = MaybeUninit::uninit();
        let mut former = MaybeUninit::uninit();
        // SAFETY: `sigfillset` initialises its set.
        let mut blocked = unsafe {
            libc::sigfillset(blocked.as_mut_ptr());
            blocked.assume_init()
        };
        for fault in FAULTS {
            // SAFETY: the set is initialised, and these are signals.
            unsafe { libc::sigdelset(&raw mut blocked, fault) };
        }
        // SAFETY: both sets outlive the call, and the second one is initialised by it.
        let result = unsafe {
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const blocked, former.as_mut_ptr())
        };
        match result {
            // SAFETY: initialised, for the call succeeded.
            0 => Ok(Self { blocked, former: unsafe { former.assume_init() } }),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }

    /// As before [`block`](Self::block).
    pub(super) fn restore(&self) {
        set_mask(&self.former);
    }

    /// Has a command start with the signals that were blocked before.
    pub(super) fn restore_in(&self, command: &mut Command) {
        let former = self.former;
        // SAFETY: between fork and exec this only calls `pthread_sigmask`, which is allowed there.
        unsafe {
            command.pre_exec(move || {
                set_mask(&former);
                Ok(())
            });
        }
    }

    /// Waits for a signal, for `limit` at the longest.
    pub(super) fn next(&self, limit: Option<Duration>) -> io::Result<Option<Arrived>> {
        // SAFETY: all of a `timespec`'s and a `siginfo_t`'s fields may be zero.
        let (mut time, mut info): (libc::timespec, libc::siginfo_t) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        if let Some(limit) = limit {
            time.tv_sec = limit.as_secs().try_into().unwrap_or(libc::time_t::MAX);
            time.tv_nsec = limit.subsec_nanos().into();
        }
        let time = limit.map_or(ptr::null(), |_| &raw const time);
        // SAFETY: the set is initialised; `info` and `time`, if there is one, outlive the call.
        let number = unsafe { libc::sigtimedwait(&raw const self.blocked, &raw mut info, time) };
        if number > 0 {
            return Ok(Some(Arrived { number, by_kernel: info.si_code == SI_KERNEL }));
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(None),
            _ => Err(error),
        }
    }
}

/// Lets all signals come to the calling thread.
pub(super) fn unblock_all() {
    let mut none = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises its set.
    set_mask(&unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        none.assume_init()
    });
}

fn set_mask(mask: &libc::sigset_t) {
    // SAFETY: the set is initialised, and the former one is not asked for. Fails for no reason.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, mask, ptr::null_mut()) };
}

/// The `si_code` of a signal that no process sent: `include/uapi/asm-generic/siginfo.h` of Linux.
const SI_KERNEL: i32 = 0x80;
