//! Registering a cleanup that survives `exit`, and withdrawing it: with the exit hook, and with the
//! locked map that everybody writes.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{LazyLock, Mutex, PoisonError};

use backstop::__private::{Site, announce_exit, exit_entry};

#[cfg(target_os = "linux")]
use crate::reaper::handed_over;

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
