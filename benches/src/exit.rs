//! Registering a cleanup that survives `exit`, and withdrawing it: with the exit hook, and with the
//! locked map that everybody writes; and handing over one that survives `kill`.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{LazyLock, Mutex, PoisonError};

use backstop::__private::{Site, announce_exit, exit_entry};

#[cfg(target_os = "linux")]
pub use self::reaper::handed_over;

/// How often the measured program runs each operation.
pub const ROUNDS: u32 = 100;

/// A registration with its end.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    pub name: &'static str,
    /// The instructions that it may take, if that is promised.
    pub limit: Option<u64>,
    pub run: fn(u64),
}

/// All of them.
pub const REGISTRATIONS: &[Registration] = &[
    Registration { name: "backstop: register, withdraw", limit: Some(200), run: withdrawn },
    Registration { name: "backstop, again (control)", limit: Some(200), run: withdrawn },
    Registration {
        name: "backstop: announce, register, withdraw",
        limit: Some(200),
        run: announced,
    },
    Registration { name: "backstop: register, run", limit: None, run: ran },
    Registration { name: "Mutex<HashMap>: insert, remove", limit: None, run: mapped },
    #[cfg(target_os = "linux")]
    Registration { name: "reaper: hand over, withdraw", limit: Some(600), run: handed_over },
];

static SITE: Site = Site::new("measured");

fn cleanup(seed: u64) -> impl FnOnce() + Send + 'static {
    move || {
        black_box(seed);
    }
}

#[inline(never)]
pub fn withdrawn(seed: u64) {
    drop(black_box(exit_entry(&SITE, cleanup(seed))));
}

#[inline(never)]
pub fn announced(seed: u64) {
    drop(black_box(announce_exit().exit_entry(&SITE, cleanup(seed))));
}

#[inline(never)]
pub fn ran(seed: u64) {
    drop(black_box(exit_entry(&SITE, cleanup(seed))).run());
}

type Map = HashMap<u64, Box<dyn FnOnce() + Send>>;

/// The map, and the next key.
static MAP: LazyLock<Mutex<(Map, u64)>> = LazyLock::new(Mutex::default);

#[inline(never)]
pub fn mapped(seed: u64) {
    let lock = || MAP.lock().unwrap_or_else(PoisonError::into_inner);
    // The box is made before the lock is taken.
    let cleanup = Box::new(cleanup(seed));
    let key = {
        let (map, next) = &mut *lock();
        *next += 1;
        map.insert(*next, cleanup);
        *next
    };
    let removed = lock().0.remove(&black_box(key));
    drop(removed);
}

#[cfg(target_os = "linux")]
mod reaper {
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
}
