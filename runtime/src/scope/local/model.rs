//! Models of children on one task, which other threads wake and spawn: see [`crate::sync`].

use std::future::{Future as _, poll_fn};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::thread;

use super::{LocalScope, SendChild};
use crate::CancelToken;
use crate::scope::Options;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::model;

fn scope() -> LocalScope<SendChild<'static>> {
    Options::new().child_of(&CancelToken::new()).local()
}

#[test]
fn a_child_sees_what_came_before_its_last_wake() {
    model(|| {
        let (scope, flag) = (scope(), Arc::new(AtomicBool::new(false)));
        let waker = Arc::new(Mutex::new(None::<Waker>));
        let (seen, known) = (Arc::clone(&flag), Arc::clone(&waker));
        scope.spawn(poll_fn(move |cx| {
            known.lock().unwrap().get_or_insert_with(|| cx.waker().clone());
            if seen.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
        }));
        let mut course = Box::pin(scope.run(async {}));
        assert!(course.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let waker = waker.lock().unwrap().take().unwrap();
        let other = thread::spawn(move || {
            waker.wake_by_ref();
            flag.store(true, Ordering::Release);
            waker.wake_by_ref();
        });
        block_on(course);
        other.join().unwrap();
    });
}

#[test]
fn a_child_that_another_thread_spawns_ends_or_is_cancelled() {
    model(|| {
        let scope = scope();
        let others = scope.clone();
        let spawner = thread::spawn(move || block_on(others.spawn(async { 1 })));
        block_on(scope.run(async {}));
        match spawner.join().unwrap() {
            Ok(value) => assert_eq!(value, 1),
            Err(error) => assert!(error.is_cancelled()),
        }
    });
}

#[test]
fn the_panic_of_a_child_whose_handle_goes_is_kept() {
    model(|| {
        let scope = scope();
        let handle = scope.spawn(async { resume_unwind(Box::new("panic")) });
        let other = thread::spawn(move || drop::<super::LocalHandle<()>>(handle));
        block_on(scope.course(async {}, |_| false));
        other.join().unwrap();
        assert_eq!(scope.shared.core.take_panics().len(), 1);
    });
}
