//! The owner's end of a channel.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::time::Duration;

use rustix::fs::fstat;
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{RecvFlags, SendFlags};

use super::acknowledge::Acknowledgements;
use super::protocol::Request;
use super::start::{self, Started};

/// A channel to a reaper, and the reaper's pidfd.
#[derive(Debug)]
pub(super) struct Link {
    socket: Watchful,
    reaper: Watchful,
    /// The reaper's process id, for humans.
    pub(super) pid: i32,
    pub(super) acknowledgements: Acknowledgements,
}

impl Link {
    /// `deadline` is how long at most [`receive`](Self::receive) waits.
    pub(super) fn new(started: Started, deadline: Duration) -> io::Result<Self> {
        let Started { channel, pidfd, pid } = started;
        // An option of the socket, not a `poll` before each: that took a quarter of a round trip. Zero
        // would be no limit.
        let deadline = deadline.max(Duration::from_millis(1));
        set_socket_timeout(&channel, Timeout::Recv, Some(deadline))?;
        Ok(Self {
            socket: Watchful::new(&channel)?,
            reaper: Watchful::new(&pidfd)?,
            pid,
            acknowledgements: Acknowledgements::default(),
        })
    }

    /// Sends without waiting for room. `descriptor` goes along, if it still is what it was.
    pub(super) fn send(
        &self,
        request: Request<'_>,
        token: u64,
        descriptor: Option<&Watchful>,
    ) -> io::Result<()> {
        request.send(token, |message| {
            if let Some(descriptor) = descriptor {
                if self.send_with(message, descriptor)? {
                    return Ok(());
                }
            }
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            rustix::net::send(self.socket(), message, flags)?;
            Ok(())
        })
    }

    /// Tells whether the descriptor could go along.
    #[cold]
    fn send_with(&self, message: &[u8], descriptor: &Watchful) -> io::Result<bool> {
        let Some(descriptor) = descriptor.intact() else { return Ok(false) };
        match start::send_with(self.socket(), message, descriptor) {
            // Too many descriptors are under way.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::TOOMANYREFS) => Ok(false),
            sent => sent.map(|()| true),
        }
    }

    /// Waits for a message of the reaper.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        // What has its number by now may have nothing to say for ever.
        let socket = self.socket.intact().ok_or(Errno::BADF)?;
        Ok(rustix::net::recv(socket, buffer, RecvFlags::empty())?.0)
    }

    /// An error where this end is closed: the program may have closed what it found.
    pub(super) fn look(&self) -> io::Result<()> {
        self.socket.intact().map(drop).ok_or_else(|| Errno::BADF.into())
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Readable once the reaper has ended; `None` if it was closed.
    pub(super) fn reaper(&self) -> Option<BorrowedFd<'_>> {
        self.reaper.intact()
    }
}

/// Where descriptors of ours begin, if the process may have so many: the system gives out the lowest
/// number that is free, so that a program that has closed everything and opens files does not come to
/// these, and what is still sent there meets nobody's.
const HIGH: RawFd = 200;

/// A descriptor that is closed only if it still is what it was.
///
/// Programs that become daemons close every descriptor that they find. The numbers are then given
/// to other files, which are not ours to close.
#[derive(Debug)]
pub(in crate::ladder) struct Watchful {
    /// `None` only while it is dropped.
    descriptor: Option<OwnedFd>,
    identity: (u64, u64),
}

impl Watchful {
    pub(in crate::ladder) fn new(descriptor: &OwnedFd) -> io::Result<Self> {
        // In any case out of the way of standard input, output and error, which a program may have
        // closed and will open again.
        let descriptor = rustix::io::fcntl_dupfd_cloexec(descriptor, HIGH)
            .or_else(|_| rustix::io::fcntl_dupfd_cloexec(descriptor, 3))?;
        let identity = identity(&descriptor)?;
        Ok(Self { descriptor: Some(descriptor), identity })
    }

    pub(in crate::ladder) fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_ref().expect("it is taken only in `drop`").as_fd()
    }

    /// The descriptor, if it still is what it was.
    pub(in crate::ladder) fn intact(&self) -> Option<BorrowedFd<'_>> {
        let descriptor = self.descriptor.as_ref()?;
        let identity = identity(descriptor).ok()?;
        (identity == self.identity).then(|| descriptor.as_fd())
    }
}

impl Drop for Watchful {
    fn drop(&mut self) {
        if let Some(descriptor) = self.descriptor.take() {
            if !identity(&descriptor).is_ok_and(|identity| identity == self.identity) {
                let _ = descriptor.into_raw_fd();
            }
        }
    }
}

fn identity(descriptor: &OwnedFd) -> io::Result<(u64, u64)> {
    let stat = fstat(descriptor)?;
    Ok((stat.st_dev, stat.st_ino))
}
