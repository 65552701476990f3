//! The calls that rustix does not have, or not soundly.
#![allow(unsafe_code, reason = "libc's calls")]

use std::io::{self, IoSliceMut};
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

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

/// Ends this process without the exit handlers of the program that it was re-executed from.
pub(super) fn end(status: i32) -> ! {
    // SAFETY: has no preconditions.
    unsafe { libc::_exit(status) }
}
