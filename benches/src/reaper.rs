//! Handing over an action that survives `kill`, and withdrawing it, on a channel that nobody reads: where
//! instructions are counted, no reaper can start.

use std::os::fd::OwnedFd;
use std::sync::LazyLock;

use backstop::__private::reaper::{Kept, Unwatched};
use backstop::Action;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair, sockopt};

struct Channel {
    ours: Unwatched,
    kept: Kept,
    /// Reads nothing: there is room for all that is written.
    _theirs: OwnedFd,
}

static CHANNEL: LazyLock<Channel> = LazyLock::new(|| {
    let flags = SocketFlags::CLOEXEC;
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).expect("a socket");
    sockopt::set_socket_send_buffer_size(&ours, 1 << 20).expect("a larger buffer");
    let action = Action::remove_file("/tmp/a-file-of-the-benches");
    Channel {
        ours: Unwatched::new(ours).expect("a channel"),
        kept: Kept::new(1, action).expect("an action"),
        _theirs: theirs,
    }
});

/// # Panics
///
/// If the channel is full.
#[inline(never)]
pub fn handed_over(_: u64) {
    let Channel { ours, kept, .. } = &*CHANNEL;
    kept.hand_over(ours).expect("room in the channel");
}
