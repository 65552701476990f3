//! The tasks of scopes that are there, for the report of what did not end. They are kept from when
//! `#[backstop::main]` has begun, which is who reports them.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use super::shared::{Shared, Site};
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

static SCOPES: Mutex<BTreeMap<u64, Weak<Shared>>> = Mutex::new(BTreeMap::new());

/// A scope is listed until this is dropped.
pub(super) struct Listed(u64);

pub(super) fn list(scope: Weak<Shared>) -> Listed {
    let mut scopes = scopes();
    let key = scopes.last_key_value().map_or(0, |(key, _)| key + 1);
    scopes.insert(key, scope);
    Listed(key)
}

impl Drop for Listed {
    fn drop(&mut self) {
        let unlisted = scopes().remove(&self.0);
        drop(unlisted);
    }
}

/// The tasks of all scopes that have not ended, scope by scope.
pub(crate) fn tasks() -> Vec<Live> {
    // Whoever drops a scope's last owner takes the lock.
    let scopes: Vec<_> = scopes().values().filter_map(Weak::upgrade).collect();
    scopes.iter().flat_map(|scope| scope.roll.live()).collect()
}

/// Held over none of the user's code, so never poisoned; `into_inner` for form's sake.
fn scopes() -> MutexGuard<'static, BTreeMap<u64, Weak<Shared>>> {
    SCOPES.lock().unwrap_or_else(PoisonError::into_inner)
}
