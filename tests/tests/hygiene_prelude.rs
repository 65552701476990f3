//! Everything works where no prelude is in scope.

#![deny(warnings)]

#[no_implicit_prelude]
mod bare {
    use ::backstop::{Guard, must_cleanup, no_exit, scoped_spawn};
    use ::backstop_tests::Log;

    type Answer = ::std::result::Result<u32, u8>;

    macro_rules! harmless {
        ($value:expr) => {
            $value
        };
    }

    struct Value<'l>(&'l Log);

    impl Value<'_> {
        fn close(self) -> ::std::result::Result<(), u8> {
            self.0.noted("closed").map_err(|_| 1)
        }
    }

    #[must_cleanup]
    impl ::std::ops::Drop for Value<'_> {
        fn drop(&mut self) {
            self.0.note("destructor");
        }
    }

    #[must_cleanup]
    pub(super) fn everything(log: &Log, case: u32) -> Answer {
        #[cleanup(value.close())]
        let value = Value(log);
        value.0.note("uses");
        #[cleanup(log.note("number"), on = failure)]
        let mut number = case;
        *number += 1;
        #[cleanup(())]
        ::std::println!("{}", harmless!(1));
        ::backstop::defer! { log.note("defer") }
        ::backstop::defer!(on = unwind, log.note("unwind"));
        for turn in 0..2 {
            #[cleanup(log.note("turn"))]
            let turn = turn;
            if *turn == 1 {
                continue;
            }
        }
        if case == 2 {
            return ::std::result::Result::Err(1);
        }
        ::std::option::Option::Some(1).ok_or(1)?;
        #[cleanup(log.note("early"))]
        let early = 1;
        ::std::mem::drop(early);
        #[cleanup(log.note("run"))]
        let run = 1;
        Guard::run(run);
        ::std::result::Result::Ok(*number)
    }

    #[must_cleanup]
    pub(super) fn unit(log: &Log) {
        #[cleanup(log.note("unit"))]
        let _guard = 0;
        harmless!(log.note("tail"))
    }

    #[no_exit]
    pub(super) fn checked(log: &Log) -> u32 {
        unit(log);
        ::std::panic!("{}", everything(log, 1).unwrap())
    }

    #[scoped_spawn]
    pub(super) fn spawning(of: &[u32]) -> usize {
        let handle = ::std::thread::spawn(|| of.len());
        handle.join().unwrap()
    }

    pub(super) fn without_attribute(log: &Log) {
        ::backstop::defer! { log.note("deferred") }
    }
}

use backstop_tests::{Log, caught};

#[test]
fn no_prelude_is_needed() {
    let log = Log::new();
    assert_eq!(bare::everything(&log, 1), Ok(2));
    assert_eq!(log.take(), "uses turn turn early run defer closed destructor");
    assert_eq!(bare::everything(&log, 2), Err(1));
    assert_eq!(log.take(), "uses turn turn defer number closed destructor");
    assert_eq!(caught(|| bare::checked(&log)), Err("2".to_owned()));
    assert!(log.take().starts_with("tail unit uses"));
    assert_eq!(bare::spawning(&[1, 2]), 2);
    bare::without_attribute(&log);
    assert_eq!(log.take(), "deferred");
}
