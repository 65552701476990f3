//! What ends by itself, elsewhere in the process: the exit hook waits for it, and runs nothing.

use std::os::unix::thread::JoinHandleExt as _;
use std::thread::JoinHandle;

use super::current;
use super::hook::Hook;
use super::registry::Place;
use super::thread;
use crate::site::Site;

/// Who brings something to its end: while that thread ends the process, nobody waits for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Runner(usize);

impl Runner {
    /// Whichever thread a runtime has.
    pub(crate) const ANY: Self = Self(usize::MAX);

    /// A thread that has been started.
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_possible_truncation,
        reason = "an integer on some systems, a pointer on others"
    )]
    pub(crate) fn of<T>(thread: &JoinHandle<T>) -> Self {
        Self(thread.as_pthread_t() as usize)
    }
}

/// Something that has begun; over when this is dropped.
pub(crate) struct Underway {
    hook: &'static Hook,
    place: Place,
}

/// Lets the end of the process wait for what `runner` is at. Never waits itself.
pub(crate) fn begin(site: &'static Site, runner: Runner) -> Underway {
    let hook = current::hook();
    Underway { hook, place: hook.registry.insert_running(thread::shard(), site, runner.0) }
}

impl Drop for Underway {
    fn drop(&mut self) {
        // A forked child has neither the thread nor, perhaps, anybody who would let go of the lock.
        if !self.hook.is_inherited() {
            self.hook.registry.finish(self.place);
            self.hook.progress();
        }
    }
}
