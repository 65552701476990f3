//! `backstop::scope` as a way to run threads: borrowing, values, handles, names, and the end.

use std::cell::RefCell;
use std::io;
use std::panic::{AssertUnwindSafe, UnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use backstop::scope::{Options, Scope, ScopedJoinHandle};

#[test]
fn children_borrow_and_the_body_s_value_is_returned() {
    let mut numbers = [1, 2, 3];
    let factor = 10;
    let sum = backstop::scope(|s| {
        let doubled: Vec<_> = numbers
            .iter_mut()
            .map(|n| {
                s.spawn(move || {
                    *n *= factor;
                    *n
                })
            })
            .collect();
        doubled.into_iter().map(|child| child.join().unwrap()).sum::<i32>()
    });
    assert_eq!((sum, numbers), (60, [10, 20, 30]));
}

#[test]
fn children_whose_handles_are_dropped_or_forgotten_are_waited_for() {
    let ended = AtomicUsize::new(0);
    let (go, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    backstop::scope(|s| {
        let child = || {
            assert!(wait.lock().unwrap().recv().is_err());
            ended.fetch_add(1, Ordering::Relaxed);
        };
        drop(s.spawn(child));
        std::mem::forget(s.spawn(child));
        // Both are running when the body ends, for they wait for this.
        drop(go);
    });
    assert_eq!(ended.into_inner(), 2);
}

#[test]
fn a_child_may_spawn_siblings() {
    let ended = AtomicUsize::new(0);
    backstop::scope(|s| {
        let siblings = s.clone();
        let ended = &ended;
        s.spawn(move || {
            let deeper = siblings.clone();
            siblings.spawn(move || {
                deeper.spawn(move || ended.fetch_add(1, Ordering::Relaxed));
                ended.fetch_add(1, Ordering::Relaxed);
            });
        });
    });
    assert_eq!(ended.into_inner(), 2);
}

#[test]
fn a_scope_within_a_scope_ends_first() {
    let order = Mutex::new(Vec::new());
    backstop::scope(|outer| {
        let (inner_ended, wait) = mpsc::channel();
        let order = &order;
        outer.spawn(move || {
            wait.recv().unwrap();
            order.lock().unwrap().push("outer child");
        });
        outer.spawn(move || {
            backstop::scope(|inner| {
                inner.spawn(|| order.lock().unwrap().push("inner child"));
            });
            order.lock().unwrap().push("inner scope");
            inner_ended.send(()).unwrap();
        });
    });
    assert_eq!(order.into_inner().unwrap(), ["inner child", "inner scope", "outer child"]);
}

/// The value is destroyed on its own thread, as late as a thread-local destructor can be.
struct OnThreadEnd(Box<dyn FnMut()>);

impl Drop for OnThreadEnd {
    fn drop(&mut self) {
        (self.0)();
    }
}

thread_local! {
    static ON_THREAD_END: RefCell<Option<OnThreadEnd>> = const { RefCell::new(None) };
}

fn on_thread_end(f: impl FnMut() + 'static) {
    ON_THREAD_END.set(Some(OnThreadEnd(Box::new(f))));
}

#[test]
fn thread_local_destructors_have_run_when_the_scope_returns() {
    static DESTROYED: AtomicUsize = AtomicUsize::new(0);
    backstop::scope(|s| {
        for _ in 0..20 {
            s.spawn(|| {
                on_thread_end(|| {
                    (0..1_000).for_each(|_| thread::yield_now());
                    DESTROYED.fetch_add(1, Ordering::Relaxed);
                });
            });
        }
    });
    assert_eq!(DESTROYED.load(Ordering::Relaxed), 20);
}

#[test]
fn thread_local_destructors_have_run_when_join_returns() {
    static DESTROYED: AtomicUsize = AtomicUsize::new(0);
    backstop::scope(|s| {
        let child = s.spawn(|| {
            on_thread_end(|| {
                (0..1_000).for_each(|_| thread::yield_now());
                DESTROYED.fetch_add(1, Ordering::Relaxed);
            });
        });
        child.join().unwrap();
        assert_eq!(DESTROYED.load(Ordering::Relaxed), 1);
    });
}

/// Reaping the finished must not wait for one whose closure has ended but whose destructors wait for
/// what the body does next.
#[test]
#[cfg(target_os = "linux")]
fn a_spawn_does_not_wait_for_another_child_s_thread_local_destructors() {
    let (go, wait) = mpsc::channel::<()>();
    backstop::scope(|s| {
        let child = s.spawn(move || on_thread_end(move || assert!(wait.recv().is_err())));
        while !child.is_finished() {
            thread::yield_now();
        }
        s.spawn(|| ()).join().unwrap();
        drop(go);
    });
}

#[test]
fn names_reach_the_thread() {
    fn name() -> Option<String> {
        thread::current().name().map(str::to_owned)
    }
    backstop::scope(|s| {
        assert_eq!(s.child().name("one").spawn(name).join().unwrap().as_deref(), Some("one"));
        let two = s.child().name("two").spawn_fallible(|| name().ok_or(()));
        assert_eq!(two.thread().name(), Some("two"));
        assert_eq!(two.join().unwrap().as_deref(), Ok("two"));
        let three = s.spawn_from(thread::Builder::new().name("three".into()), name).unwrap();
        assert_eq!(three.join().unwrap().as_deref(), Some("three"));
        assert_eq!(s.spawn(name).join().unwrap(), None);
    });
}

/// More than any address space holds.
fn unspawnable() -> thread::Builder {
    thread::Builder::new().stack_size(1 << 60)
}

#[test]
fn a_thread_that_cannot_be_spawned_is_an_error_and_leaves_the_scope_usable() {
    // Were the place not given back, the second spawn would wait for ever.
    Options::new().limit(1).run(|s| {
        let error: io::Error = s.spawn_from(unspawnable(), || ()).unwrap_err();
        assert!(error.raw_os_error().is_some());
        assert_eq!(s.spawn(|| 7).join().unwrap(), 7);
    });
}

#[test]
fn spawn_panics_where_a_thread_cannot_be_spawned() {
    let result = catch_unwind(|| {
        Options::new().limit(1).run(|s| {
            s.child().stack_size(1 << 60).spawn(|| ());
        });
    });
    let payload = result.unwrap_err();
    assert!(payload.downcast_ref::<String>().unwrap().contains("failed to spawn thread"));
}

#[test]
fn a_name_with_a_null_byte_panics_and_leaves_the_scope_usable() {
    Options::new().limit(1).run(|s| {
        let spawn = AssertUnwindSafe(|| s.child().name("a\0b").spawn(|| ()));
        assert!(catch_unwind(spawn).is_err());
        assert_eq!(s.spawn(|| 7).join().unwrap(), 7);
    });
}

#[test]
fn is_finished_tells_of_the_closure() {
    backstop::scope(|s| {
        let (go, wait): (Sender<()>, Receiver<()>) = mpsc::channel();
        let child = s.spawn(move || wait.recv().is_err());
        assert!(!child.is_finished());
        drop(go);
        while !child.is_finished() {
            thread::yield_now();
        }
        assert!(child.join().unwrap());
    });
}

#[test]
fn a_sibling_may_join() {
    let sum = backstop::scope(|s| {
        let one = s.spawn(|| 1);
        s.spawn(move || one.join().unwrap() + 1).join().unwrap()
    });
    assert_eq!(sum, 2);
}

#[test]
fn a_sibling_may_join_while_the_scope_ends() {
    let joined = AtomicUsize::new(0);
    let (go, wait) = mpsc::channel::<()>();
    backstop::scope(|s| {
        // The scope waits for them in the order of their spawns, so it has this one's thread.
        let first = s.spawn(move || wait.recv().is_err());
        let joined = &joined;
        s.spawn(move || {
            drop(go);
            assert!(first.join().unwrap());
            joined.fetch_add(1, Ordering::Relaxed);
        });
    });
    assert_eq!(joined.into_inner(), 1);
}

#[test]
fn a_child_that_joins_itself_panics_and_does_not_hang() {
    backstop::scope(|s| {
        let (give, take) = mpsc::channel();
        let child = s.spawn(move || {
            let own: ScopedJoinHandle<'_, ()> = take.recv().unwrap();
            let message = catch_unwind(AssertUnwindSafe(|| own.join())).unwrap_err();
            assert_eq!(message.downcast_ref(), Some(&"a child of a scope joined itself"));
        });
        give.send(child).unwrap();
    });
}

#[test]
fn scopes_and_handles_have_the_auto_traits_of_std_s() {
    fn assert_traits<T: Send + Sync + UnwindSafe>() {}
    assert_traits::<Scope<'_, '_>>();
    assert_traits::<ScopedJoinHandle<'_, u32>>();
}
