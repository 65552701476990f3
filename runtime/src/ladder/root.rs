//! Which directory this process calls `/`: whether a path of ours means the same to who performs an
//! action for us.
//!
//! After `chroot`, or in another mount namespace, this process means another thing by the same path.
//! A reaper would find nothing there, or somebody else's, and take that for the end of the matter.

use std::io;

/// The root directory; `None` where the system does not tell, as all but Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Root(Option<Identity>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "made only there"))]
struct Identity {
    /// The mount's number, which is never used again while the system runs (Linux 6.8).
    mount: u64,
    inode: u64,
    device: (u32, u32),
}

impl Root {
    /// That of the calling thread.
    #[cfg(target_os = "linux")]
    pub(crate) fn current() -> Self {
        use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
        // `STATX_MNT_ID_UNIQUE`; older kernels give `STATX_MNT_ID`, which is enough beside the inode.
        const UNIQUE: StatxFlags = StatxFlags::from_bits_retain(0x4000);
        let mask = StatxFlags::INO | StatxFlags::MNT_ID | UNIQUE;
        let root = statx(CWD, "/", AtFlags::empty(), mask).ok();
        Self(root.map(|root| Identity {
            mount: root.stx_mnt_id,
            inode: root.stx_ino,
            device: (root.stx_dev_major, root.stx_dev_minor),
        }))
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn current() -> Self {
        Self(None)
    }

    /// The numbers of its mount and of its inode.
    #[cfg(target_os = "linux")]
    pub(crate) fn numbers(self) -> Option<(u64, u64)> {
        self.0.map(|root| (root.mount, root.inode))
    }

    /// Of what has no path.
    pub(crate) fn unknown() -> Self {
        Self(None)
    }

    /// An error where there is another one `now` than this, of `then`, or another mount namespace.
    #[cfg(target_os = "linux")]
    pub(crate) fn permit(self, now: Self, then: &str) -> io::Result<()> {
        if now == self { Ok(()) } else { Err(elsewhere(then)) }
    }

    /// An error where the calling thread surely has another one, in whatever mount namespace.
    pub(crate) fn permit_lookup(self, then: &str) -> io::Result<()> {
        let place = |identity: Identity| (identity.device, identity.inode);
        match (self.0.map(place), Self::current().0.map(place)) {
            (Some(before), Some(now)) if before != now => Err(elsewhere(then)),
            _ => Ok(()),
        }
    }
}

fn elsewhere(then: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!(
            "this process has another root directory or mount namespace than {then} (`chroot`, \
             `pivot_root`, `unshare`), where its paths mean something else: do that after the \
             change"
        ),
    )
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{Identity, Root};

    #[test]
    fn another_mount_namespace_forbids_registrations_and_no_lookup() {
        let here = Root::current();
        let other = |change: fn(Identity) -> Identity| Root(here.0.map(change));
        let mounted = other(|root| Identity { mount: root.mount + 1, ..root });
        let changed = other(|root| Identity { inode: root.inode + 1, ..root });
        assert!(here.permit(here, "then").is_ok() && here.permit_lookup("then").is_ok());
        assert!(mounted.permit(here, "then").is_err() && mounted.permit_lookup("then").is_ok());
        assert!(changed.permit(here, "then").is_err() && changed.permit_lookup("then").is_err());
        assert!(Root::unknown().permit_lookup("then").is_ok());
    }
}
