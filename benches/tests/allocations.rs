//! No guard allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::Future;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use backstop::{defer, must_cleanup};
use backstop_benches::operations::{self, Way};

/// Counts what the current thread allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that is being torn down is no test's.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call goes to `System` as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations<R>(work: impl FnOnce() -> R) -> (u64, R) {
    let before = ALLOCATIONS.get();
    let result = work();
    (ALLOCATIONS.get() - before, result)
}

#[test]
fn an_allocation_is_counted() {
    assert_eq!(allocations(|| black_box(Box::new(1))).0, 1);
}

#[test]
fn no_operation_allocates() {
    for operation in operations::all() {
        if operation.way == Way::Backstop {
            let (count, _) = allocations(|| (operation.run)(operation.seed));
            assert_eq!(count, 0, "{}", operation.shape);
        }
    }
}

#[must_cleanup]
fn guarded(open: &Cell<u32>, panics: bool) {
    #[cleanup(open.set(open.get() - session))]
    let session = {
        open.set(open.get() + 1);
        1
    };
    #[cleanup(open.set(open.get() + 10), on = failure)]
    let _failing = ();
    defer! { open.set(open.get() + 100) }
    if panics {
        resume_unwind(Box::new(()));
    }
}

#[test]
fn guards_do_not_allocate_while_a_panic_passes() {
    // `resume_unwind` and `catch_unwind` do, whatever they pass.
    let unwind =
        |work: &mut dyn FnMut()| allocations(|| catch_unwind(AssertUnwindSafe(work)).is_err());
    let plain = unwind(&mut || resume_unwind(Box::new(())));
    let open = Cell::new(0);
    let with_guards = unwind(&mut || guarded(&open, true));
    assert!(plain.1);
    assert_eq!(with_guards, plain);
    assert_eq!(open.get(), 110);
}

#[test]
fn guards_do_not_allocate_where_nothing_panics() {
    let open = Cell::new(0);
    assert_eq!(allocations(|| guarded(&open, false)).0, 0);
    assert_eq!(open.get(), 100);
}

/// Pending, once.
#[derive(Default)]
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[must_cleanup]
async fn guarded_async(open: &Cell<u32>) -> Result<u32, u32> {
    #[cleanup(open.set(open.get() - session))]
    let session = {
        open.set(open.get() + 1);
        1
    };
    Yield::default().await;
    if *session == 1 { Ok(*session) } else { Err(*session) }
}

#[test]
fn a_guard_in_an_async_function_does_not_allocate_wherever_its_future_is_dropped() {
    for polls in 0..=2 {
        let open = Cell::new(0);
        let (count, ended) = allocations(|| {
            let mut future = pin!(guarded_async(&open));
            let mut cx = Context::from_waker(Waker::noop());
            (0..polls).filter(|_| future.as_mut().poll(&mut cx).is_ready()).count()
        });
        assert_eq!((count, ended), (0, usize::from(polls == 2)), "{polls} polls");
        assert_eq!(open.get(), 0);
    }
}

#[test]
fn the_name_of_a_task_is_allocated_once_and_a_literal_not_at_all() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(backstop::scope::tokio(|s| async move {
        let (name, own) = (String::from("worker 1"), String::from("worker 2"));
        assert_eq!(allocations(|| drop(s.builder().name(&name))).0, 1);
        assert_eq!(allocations(|| drop(s.task().name(own))).0, 1);
        assert_eq!(allocations(|| drop(s.task().name("worker"))).0, 0);
    }));
}
