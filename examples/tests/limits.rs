//! The limits that the README admits, each as it is: where one of these tests fails, a limit is gone
//! and the README is to say so.

// What the attributes of the functions below cannot see.
use std::cell::RefCell;
use std::mem::forget;
use std::panic::Location;
use std::process::exit;
use std::sync::Mutex;
use std::thread;
use std::thread as th;

use backstop::defer as later;
use backstop::{cancel_token, must_cleanup, no_exit, scoped_spawn};

macro_rules! keep {
    ($value:expr) => {
        std::mem::forget($value)
    };
}

#[test]
fn imports_of_the_file_hide_a_bare_forget() {
    #[must_cleanup]
    fn forgets(value: Vec<u8>) {
        forget(value);
    }
    forgets(vec![1]);
}

#[test]
fn imports_of_the_file_hide_an_exit_as_a_value() {
    #[no_exit]
    fn exits(code: Option<i32>) -> bool {
        code.map(exit).is_none()
    }
    assert!(exits(None));
}

#[test]
fn an_alias_of_defer_runs_in_its_order() {
    type Log = RefCell<Vec<&'static str>>;
    #[must_cleanup]
    fn aliased(log: &Log) {
        #[cleanup(log.borrow_mut().push("first"))]
        let _first = 1;
        later! { log.borrow_mut().push("alias") }
        #[cleanup(log.borrow_mut().push("last"))]
        let _last = 1;
    }
    let log = Log::default();
    aliased(&log);
    assert_eq!(log.take(), ["last", "alias", "first"]);
}

#[test]
fn nested_functions_are_not_covered() {
    #[must_cleanup]
    fn outer() -> fn(Vec<u8>) {
        fn inner(value: Vec<u8>) {
            std::mem::forget(value);
        }
        inner
    }
    outer()(vec![1]);
}

#[test]
fn functions_of_item_macros_are_not_covered() {
    macro_rules! forgetting {
        ($name:ident) => {
            pub(super) fn $name(value: Vec<u8>) {
                std::mem::forget(value);
            }
        };
    }
    #[must_cleanup]
    mod module {
        forgetting!(made_by_a_macro);
        pub(super) fn written() {}
    }
    module::written();
    module::made_by_a_macro(vec![1]);
}

#[test]
fn what_a_macro_of_elsewhere_expands_to_is_not_seen() {
    #[must_cleanup]
    fn forgets(value: Vec<u8>) {
        keep!(value);
    }
    forgets(vec![1]);
}

#[test]
fn a_child_that_is_passed_on_is_taken_for_one_that_is_waited_for() {
    fn look_at(child: &mut std::process::Child) -> u32 {
        child.id()
    }
    #[scoped_spawn]
    fn starts() -> u32 {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        look_at(&mut child)
    }
    assert!(starts() > 0);
}

#[test]
fn a_module_of_another_name_is_not_seen_where_a_function_is_started() {
    #[scoped_spawn]
    fn starts(work: impl FnOnce() + Send + 'static) {
        th::spawn(work);
    }
    let (ended, end) = std::sync::mpsc::channel();
    starts(move || ended.send(()).unwrap());
    end.recv().unwrap();
}

#[test]
fn with_both_attributes_cleanups_run_before_the_children_have_ended() {
    #[must_cleanup]
    #[scoped_spawn]
    fn both(log: &Mutex<Vec<&'static str>>) -> usize {
        #[cleanup(cancel_token().cancel())]
        let _announced = ();
        thread::spawn(|| {
            // Ends only because the cleanup runs meanwhile.
            cancel_token().wait();
            log.lock().unwrap().push("child");
        });
        1
    }
    let log = Mutex::default();
    assert_eq!(both(&log), 1);
    assert_eq!(log.into_inner().unwrap(), ["child"]);
}

#[test]
fn track_caller_does_not_reach_into_a_scoped_body() {
    #[track_caller]
    #[scoped_spawn]
    fn scoped() -> &'static Location<'static> {
        let _ = thread::spawn(|| {}).join();
        Location::caller()
    }
    assert_ne!(scoped().line(), line!());
}

#[test]
fn an_endless_wait_is_not_seen() {
    #[must_cleanup]
    fn waits(lock: &Mutex<u8>) -> u8 {
        // Waits for ever where the caller holds the lock.
        *lock.lock().unwrap()
    }
    assert_eq!(waits(&Mutex::new(1)), 1);
}
