//! The tasks of scopes that are there, for the report of what did not end. They are kept from when
//! `#[backstop::main]` has begun, which is who reports them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::panic::Location;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use super::shared::{Shared, Site};
use crate::forever::OfProcess;
use crate::scope::Name;

/// A task that has not ended.
#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) name: Option<Name>,
    pub(crate) location: &'static Location<'static>,
    pub(crate) since: Instant,
    /// On a thread of its own: it cannot be aborted.
    pub(crate) is_blocking: bool,
}

impl Live {
    pub(super) fn new(site: &Site, is_blocking: bool) -> Self {
        let Site { name, location } = site.clone();
        Self { name, location, since: Instant::now(), is_blocking }
    }
}

static WATCHED: AtomicBool = AtomicBool::new(false);

/// From here on, somebody may ask for [`tasks`].
pub(crate) fn watch() {
    WATCHED.store(true, Ordering::Relaxed);
}

#[inline]
pub(super) fn is_watched() -> bool {
    WATCHED.load(Ordering::Relaxed)
}

type Scopes = BTreeMap<u64, Weak<Shared>>;

/// The lock of a forked child's parent may be held by a thread that the child does not have.
static SCOPES: OfProcess<Mutex<Scopes>> = OfProcess::new();

/// A scope is listed until this is dropped, in the process that it was made in.
pub(super) struct Listed {
    key: u64,
    process: u32,
}

pub(super) fn list(scope: Weak<Shared>) -> Listed {
    let mut scopes = scopes();
    let key = scopes.last_key_value().map_or(0, |(key, _)| key + 1);
    scopes.insert(key, scope);
    Listed { key, process: process::id() }
}

impl Drop for Listed {
    fn drop(&mut self) {
        if self.process == process::id() {
            let unlisted = scopes().remove(&self.key);
            drop(unlisted);
        }
    }
}

/// The tasks of all scopes that have not ended, scope by scope.
pub(crate) fn tasks() -> Vec<Live> {
    // Whoever drops a scope's last owner takes the lock.
    let scopes: Vec<_> = scopes().values().filter_map(Weak::upgrade).collect();
    scopes.iter().flat_map(|scope| scope.roll.live()).collect()
}

/// Held over none of the user's code, so never poisoned; `into_inner` for form's sake.
fn scopes() -> MutexGuard<'static, Scopes> {
    let made = SCOPES.get_or_make(|| Ok::<_, Infallible>(Mutex::default()));
    let scopes = made.unwrap_or_else(|never| match never {});
    scopes.lock().unwrap_or_else(PoisonError::into_inner)
}
