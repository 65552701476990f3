//! A cleanup as a value of one size, without an allocation where it is small.

use std::mem::{ManuallyDrop, MaybeUninit};

use crate::report::Ended;

/// A closure of up to three words lies in here, a larger one in a box. An allocation and its end take
/// more instructions than all the rest of a registration.
///
/// Invariant: `room` holds a value of the type that `table` was made for.
pub(crate) struct Cleanup {
    room: Room,
    table: &'static Table,
}

type Room = MaybeUninit<[usize; 3]>;

/// What can be done with the closure, whose type nobody knows any more. Both use it up.
struct Table {
    call: unsafe fn(*mut Room) -> Ended,
    drop: unsafe fn(*mut Room),
}

const fn fits<F>() -> bool {
    size_of::<F>() <= size_of::<Room>() && align_of::<F>() <= align_of::<Room>()
}

#[allow(unsafe_code, reason = "the type is erased as in a `dyn FnOnce`, which cannot lie in place")]
impl Cleanup {
    #[inline]
    pub(crate) fn new<F>(closure: F) -> Self
    where
        F: FnOnce() -> Ended + Send + 'static,
    {
        if fits::<F>() {
            Self::in_place(closure)
        } else {
            let closure = Box::new(closure);
            Self::in_place(closure)
        }
    }

    #[inline]
    fn in_place<F>(closure: F) -> Self
    where
        F: FnOnce() -> Ended + Send + 'static,
    {
        assert!(fits::<F>(), "the closure is larger than its place");
        let mut room = Room::uninit();
        // SAFETY: the room is large enough and aligned for it, by the assertion.
        unsafe { room.as_mut_ptr().cast::<F>().write(closure) };
        Self { room, table: &const { Table { call: call::<F>, drop: drop_in_place::<F> } } }
    }

    #[inline]
    pub(crate) fn run(self) -> Ended {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: by the invariant; nobody touches the room again.
        unsafe { (this.table.call)(&raw mut this.room) }
    }
}

#[allow(unsafe_code, reason = "as for `Cleanup`")]
impl Drop for Cleanup {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: by the invariant; nobody touches the room again.
        unsafe { (self.table.drop)(&raw mut self.room) }
    }
}

/// A place for a cleanup. As an `Option` of one, in fewer instructions: what is taken away is left as
/// it is, and what is put into an empty place overwrites nothing.
///
/// Invariant: where there is a table, `room` holds a value of its type.
pub(super) struct Held {
    room: Room,
    table: Option<&'static Table>,
}

impl Held {
    pub(super) const fn empty() -> Self {
        Self { room: Room::uninit(), table: None }
    }

    #[inline]
    pub(super) fn is_some(&self) -> bool {
        self.table.is_some()
    }

    /// Puts it into the place, which is empty; else what was there is leaked.
    #[inline]
    pub(super) fn put(&mut self, cleanup: Cleanup) {
        let cleanup = ManuallyDrop::new(cleanup);
        self.room = cleanup.room;
        self.table = Some(cleanup.table);
    }

    #[inline]
    pub(super) fn take(&mut self) -> Option<Cleanup> {
        // Whoever has the table owns what is in the room.
        self.table.take().map(|table| Cleanup { room: self.room, table })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// # Safety
///
/// The room holds an `F`, which nobody uses again.
#[allow(unsafe_code, reason = "as for `Cleanup`")]
unsafe fn call<F: FnOnce() -> Ended>(room: *mut Room) -> Ended {
    // SAFETY: the caller's promise.
    let closure = unsafe { room.cast::<F>().read() };
    closure()
}

/// # Safety
///
/// As for [`call`].
#[allow(unsafe_code, reason = "as for `Cleanup`")]
unsafe fn drop_in_place<F>(room: *mut Room) {
    // SAFETY: the caller's promise.
    unsafe { room.cast::<F>().drop_in_place() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::report::Message;

    /// Closures of no, some and many words, and one of a large alignment, that own `count`.
    fn cleanups(count: &Arc<()>) -> Vec<Cleanup> {
        #[repr(align(64))]
        struct Aligned(u64);

        fn failing(message: String) -> Ended {
            Ended(Some(Box::new(Message(message))))
        }

        let owned = || Arc::clone(count);
        let (one, two, three, four) = (owned(), owned(), owned(), owned());
        let many = [7_u64; 32];
        let text = String::from("text");
        let aligned = Aligned(5);
        vec![
            Cleanup::new(|| failing("none".to_owned())),
            Cleanup::new(move || failing(format!("one {}", Arc::strong_count(&one)))),
            Cleanup::new(move || {
                drop(two);
                failing(text)
            }),
            Cleanup::new(move || {
                drop(three);
                failing(many.iter().sum::<u64>().to_string())
            }),
            Cleanup::new(move || {
                let (aligned, _four) = (aligned, &four);
                failing(format!("{} {}", aligned.0, (&raw const aligned).addr() % 64))
            }),
        ]
    }

    #[test]
    fn each_closure_runs_with_what_it_owns_and_drops_it_once() {
        let count = Arc::new(());
        let ended = cleanups(&count).into_iter().map(|cleanup| cleanup.run().0.unwrap().0);
        assert_eq!(ended.collect::<Vec<_>>(), ["none", "one 5", "text", "224", "5 0"]);
        assert_eq!(Arc::strong_count(&count), 1);
    }

    #[test]
    fn one_that_does_not_run_drops_what_it_owns_once() {
        let count = Arc::new(());
        let cleanups = cleanups(&count);
        assert_eq!(Arc::strong_count(&count), 5);
        drop(cleanups);
        assert_eq!(Arc::strong_count(&count), 1);
    }

    #[test]
    fn one_that_panics_has_dropped_what_it_owns() {
        let count = Arc::new(());
        let owned = Arc::clone(&count);
        let cleanup = Cleanup::new(move || panic!("{}", Arc::strong_count(&owned)));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| cleanup.run())).is_err());
        assert_eq!(Arc::strong_count(&count), 1);
    }
}
