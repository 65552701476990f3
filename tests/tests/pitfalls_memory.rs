//! Rows B3 and B9 of docs/pitfalls.md, with the memory that they are about: this counts what the
//! allocator hands out to the test's own thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use backstop::{Guard, defer, must_cleanup};

/// The system's allocator, counting.
struct Counting;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.set(LIVE.get().wrapping_add(layout.size()));
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // What one thread allocates another may free.
        LIVE.set(LIVE.get().wrapping_sub(layout.size()));
        // SAFETY: the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const LARGE: usize = 64 << 20;

struct Document {
    title: String,
    pages: Vec<u8>,
}

/// Gives the bytes that are live while the guard is, after the large part has gone.
#[must_cleanup]
fn guard_of_a_small_part(closed: &AtomicUsize) -> usize {
    let Document { title, pages } = Document { title: "title".to_owned(), pages: vec![1; LARGE] };
    #[cleanup(closed.store(title.len(), Ordering::Relaxed))]
    let title = title;
    let sum: usize = pages.iter().copied().map(usize::from).sum();
    drop(pages);
    assert_eq!((sum, title.len()), (LARGE, 5));
    LIVE.get()
}

/// Every kind of guard, left by every kind of exit; gives the allocations meanwhile.
#[must_cleanup]
fn many_guards(turns: u32, fails: bool) -> Result<usize, usize> {
    let before = ALLOCATIONS.get();
    let count = AtomicUsize::new(0);
    for turn in 0..turns {
        #[cleanup({ count.fetch_add(value, Ordering::Relaxed); })]
        let value = 1;
        #[cleanup(assert!(early < turns))]
        let early = turn;
        #[cleanup({ count.fetch_add(1, Ordering::Relaxed); })]
        if turn == 3 {
            continue;
        }
        defer! { count.fetch_add(*value, Ordering::Relaxed); }
        defer!(on = failure, assert!(fails));
        Guard::run(early);
    }
    // The one guard that the skipped turn does not reach is its `defer!`.
    assert_eq!(count.into_inner(), usize::try_from(turns).unwrap_or(0) * 3 - 1);
    let allocations = ALLOCATIONS.get() - before;
    if fails { Err(allocations) } else { Ok(allocations) }
}

#[test]
fn b3_b9_a_guard_keeps_what_it_names_and_allocates_nothing() {
    let closed = AtomicUsize::new(0);
    let before = LIVE.get();
    let during = guard_of_a_small_part(&closed);
    assert_eq!(closed.into_inner(), 5);
    let kept = during.wrapping_sub(before);
    assert!(kept < 1 << 10, "{kept} bytes of {LARGE} were kept");
    println!("B3: {kept} bytes kept of {LARGE}");

    assert_eq!(many_guards(1_000, false), Ok(0));
    assert_eq!(many_guards(1_000, true), Err(0));
}
