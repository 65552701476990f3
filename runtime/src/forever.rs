//! Values that live for ever, in places that are neither locked nor initialised by one thread while
//! others wait: a signal handler can read them, and so can a forked child, in which the thread that
//! was about to let go of a lock does not exist.
#![allow(unsafe_code, reason = "references through an atomic pointer")]

use std::process;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A place for a value that lives for ever.
#[cfg(all(feature = "process", unix))]
pub(crate) struct Place<T: 'static>(AtomicPtr<T>);

#[cfg(all(feature = "process", unix))]
impl<T: Sync + 'static> Place<T> {
    pub(crate) const fn empty() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<&'static T> {
        // SAFETY: null, or what `set` or `put` made of such a reference.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// Puts a value there, unless one is; returns the one that is there then.
    pub(crate) fn set(&self, value: &'static T) -> &'static T {
        let new = ptr::from_ref(value).cast_mut();
        let set =
            self.0.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire);
        match set {
            Ok(_) => value,
            // SAFETY: not null, for the exchange failed, and made of a reference by an earlier call.
            Err(first) => unsafe { &*first },
        }
    }

    /// Empties the place. Who has the value may go on using it.
    pub(crate) fn clear(&self) {
        self.0.store(ptr::null_mut(), Ordering::Release);
    }
}

#[cfg(all(feature = "process", target_os = "linux"))]
impl<T: Sync + 'static> Place<T> {
    /// Puts a value there, in place of any other.
    pub(crate) fn put(&self, value: &'static T) {
        self.0.store(ptr::from_ref(value).cast_mut(), Ordering::Release);
    }
}

/// A value of which each process makes its own: a forked child takes none over from its parent.
pub(crate) struct OfProcess<T: 'static>(AtomicPtr<Owned<T>>);

struct Owned<T> {
    process: u32,
    value: T,
}

impl<T: Send + Sync + 'static> OfProcess<T> {
    pub(crate) const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// This process's value, made by `make` where there is none. Threads may make one at the same
    /// time; then they all get the first.
    pub(crate) fn get_or_make<E>(
        &self,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<&'static T, E> {
        let process = process::id();
        let mut there = self.0.load(Ordering::Acquire);
        if let Some(value) = of(there, process) {
            return Ok(value);
        }
        let own = Box::into_raw(Box::new(Owned { process, value: make()? }));
        loop {
            match self.0.compare_exchange(there, own, Ordering::AcqRel, Ordering::Acquire) {
                // SAFETY: made of a box just now, which nobody takes back any more.
                Ok(_) => return Ok(unsafe { &(*own).value }),
                Err(other) => there = other,
            }
            if let Some(value) = of(there, process) {
                // SAFETY: as above, and nobody has seen it.
                drop(unsafe { Box::from_raw(own) });
                return Ok(value);
            }
        }
    }
}

/// What is there, if it is this process's.
fn of<T>(there: *const Owned<T>, process: u32) -> Option<&'static T> {
    // SAFETY: null, or made of a box by `get_or_make`, which takes back only what it did not put
    // there.
    let there = unsafe { there.as_ref() }?;
    (there.process == process).then_some(&there.value)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn threads_that_make_a_value_at_the_same_time_get_the_same_one() {
        static PLACE: OfProcess<usize> = OfProcess::new();
        let barrier = Barrier::new(8);
        let make = |number| {
            barrier.wait();
            ptr::from_ref(PLACE.get_or_make(|| Ok::<_, ()>(number)).unwrap()).addr()
        };
        let seen: Vec<_> = thread::scope(|s| {
            let threads: Vec<_> = (0..8).map(|number| s.spawn(move || make(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(seen.iter().all(|place| *place == seen[0]));
    }

    #[test]
    fn a_value_that_cannot_be_made_is_made_by_the_next_one_who_asks() {
        static PLACE: OfProcess<u8> = OfProcess::new();
        assert_eq!(PLACE.get_or_make(|| Err("not now")), Err("not now"));
        assert_eq!(PLACE.get_or_make(|| Ok::<_, ()>(1)), Ok(&1));
        assert_eq!(PLACE.get_or_make(|| Ok::<_, ()>(2)), Ok(&1));
    }

    #[test]
    fn a_value_of_another_process_is_replaced() {
        static PLACE: OfProcess<u8> = OfProcess::new();
        let parent = process::id() + 1;
        PLACE
            .0
            .store(Box::into_raw(Box::new(Owned { process: parent, value: 1 })), Ordering::Release);
        assert_eq!(PLACE.get_or_make(|| Ok::<_, ()>(2)), Ok(&2));
        assert_eq!(PLACE.get_or_make(|| Ok::<_, ()>(3)), Ok(&2));
    }
}
