//! `crate = path`: every attribute finds the runtime under the name that the user gave it.

#![deny(warnings)]

use backstop_tests::{Log, caught};

/// Re-exports, as a crate's own prelude would.
mod facade {
    pub(crate) use renamed as cleanups;
}

#[renamed::must_cleanup(crate = ::renamed)]
fn everything(log: &Log, case: u8) -> Result<u8, String> {
    #[cleanup(log.note("let"))]
    let value = case;
    #[cleanup(log.noted("statement"), on = failure)]
    log.note("body");
    renamed::defer! { log.note("defer") }
    renamed::defer!(on = success, log.note("success"));
    for turn in 0..1 {
        #[cleanup(log.note("turn"))]
        let _turn = turn;
    }
    if case == 1 {
        Err("one")?;
    }
    assert_ne!(case, 2, "two");
    if case == 3 {
        drop(value);
        return Ok(3);
    }
    Ok(*value)
}

#[test]
fn a_renamed_dependency_is_found_by_its_name() {
    let log = Log::new();
    assert_eq!(everything(&log, 0), Ok(0));
    assert_eq!(log.take(), "body turn success defer let");
    assert_eq!(everything(&log, 1), Err("one".to_owned()));
    assert_eq!(log.take(), "body turn defer statement let");
    assert!(caught(|| everything(&log, 2)).is_err());
    assert_eq!(log.take(), "body turn defer statement let");
    assert_eq!(everything(&log, 3), Ok(3));
    assert_eq!(log.take(), "body turn let success defer");
}

#[renamed::must_cleanup(crate = crate::facade::cleanups)]
mod through_a_path {
    use backstop_tests::Log;

    pub(super) fn guarded(log: &Log) {
        #[cleanup(log.note("cleanup"))]
        log.note("body");
    }

    pub(super) struct Value<'l>(pub(super) &'l Log);

    impl Drop for Value<'_> {
        fn drop(&mut self) {
            self.0.note("destructor");
        }
    }
}

#[renamed::no_exit(crate = ::renamed)]
fn checked(log: &Log) -> usize {
    through_a_path::guarded(log);
    drop(through_a_path::Value(log));
    Some(log.take()).map_or(0, |text| text.len())
}

#[renamed::scoped_spawn(crate = ::renamed, limit = 2)]
fn spawning(of: &[u8]) -> usize {
    let handle = std::thread::spawn(|| of.len());
    handle.join().unwrap()
}

#[test]
fn every_attribute_takes_the_path() {
    let log = Log::new();
    assert_eq!(checked(&log), "body cleanup destructor".len());
    assert_eq!(spawning(&[1, 2, 3]), 3);
}
