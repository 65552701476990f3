//! Annotated functions that a `macro_rules!` makes: names of the macro's and of its caller's stay
//! apart, and fragments are read through the invisible groups around them.

#![deny(warnings)]

use backstop_tests::{Log, caught};

macro_rules! made {
    ($name:ident, $log:ident, $bound:ident = $init:expr, $cleanup:expr, $ret:ty, $tail:expr, $block:block) => {
        #[::backstop::must_cleanup]
        fn $name($log: &Log, case: u8) -> $ret {
            #[cleanup($cleanup)]
            let $bound = $init;
            // A name of this macro's, which the caller's expressions cannot see.
            #[cleanup($log.note(guarded.to_string()))]
            let guarded = 2;
            #[cleanup($log.note("error"), on = error)]
            let _error = case;
            ::backstop::defer! { $log.note("defer") }
            if case == 1 {
                return $tail;
            }
            if case == 2 $block
            assert_ne!(*guarded, i32::from(*$bound));
            drop(guarded);
            $log.note("end");
            $tail
        }
    };
}

made!(failing, log, guarded = 1_u8, log.note(format!("outer-{guarded}")), Result<u8, String>, Err("tail".into()), { Some(1).ok_or("block")?; });
made!(plain, log, value = 1_u8, log.note(value.to_string()), (), (), {
    log.note("block");
});

#[test]
fn fragments_of_a_macro_are_read_as_what_they_are() {
    let log = Log::new();
    assert_eq!(failing(&log, 0), Err("tail".to_owned()));
    assert_eq!(log.take(), "2 end defer error outer-1");
    assert_eq!(failing(&log, 1), Err("tail".to_owned()));
    assert_eq!(log.take(), "defer error 2 outer-1");
    plain(&log, 2);
    assert_eq!(log.take(), "block 2 end defer 1");
}

macro_rules! block_as_statement {
    ($block:block) => {
        #[::backstop::must_cleanup]
        fn with_block(log: &Log) -> Option<u8> {
            #[cleanup(log.note("error"), on = error)]
            let _error = 0;
            $block
            Some(1)
        }
    };
}
block_as_statement!({
    None?;
});

#[test]
fn a_block_fragment_is_a_statement() {
    let log = Log::new();
    assert_eq!(with_block(&log), None);
    assert_eq!(log.take(), "error");
}

macro_rules! unit_without_tail {
    ($ret:ty) => {
        #[::backstop::must_cleanup]
        fn returns_fragment(log: &Log) -> $ret {
            #[cleanup(log.note("success"), on = success)]
            let _success = 0;
            log.note("body");
        }
    };
}
unit_without_tail!(());

macro_rules! never {
    ($ret:ty) => {
        #[::backstop::must_cleanup]
        fn never_fragment(log: &Log) -> $ret {
            #[cleanup(log.note("unwind"), on = unwind)]
            let _unwind = 0;
            panic!("never")
        }
    };
}
never!(!);

#[test]
fn a_return_type_that_is_a_fragment_is_known_for_what_it_is() {
    let log = Log::new();
    returns_fragment(&log);
    assert_eq!(log.take(), "body success");
    assert_eq!(caught(|| never_fragment(&log)), Err("never".to_owned()));
    assert_eq!(log.take(), "unwind");
}

macro_rules! item {
    ($item:item) => {
        #[::backstop::must_cleanup]
        $item
    };
}
item! {
    fn from_item(log: &Log) -> Option<u8> {
        #[cleanup(log.note("error"), on = error)]
        let value = 1;
        log.note(value.to_string());
        None?
    }
}

macro_rules! methods {
    ($type:ident { $($item:item)* }) => {
        struct $type;
        #[::backstop::must_cleanup]
        impl $type { $($item)* }
    };
}
methods!(Type {
    fn method(&self, log: &Log) -> Option<&Self> {
        #[cleanup(log.note("method"), on = success)]
        let _guard = 0;
        Some(self)
    }
    fn boxed(self: Box<Self>, log: &Log) {
        #[cleanup(log.note("boxed"))]
        drop(self);
    }
});

#[test]
fn items_that_a_macro_passes_on_are_guarded() {
    let log = Log::new();
    assert_eq!(from_item(&log), None);
    assert_eq!(log.take(), "1 error");
    assert!(Type.method(&log).is_some());
    Box::new(Type).boxed(&log);
    assert_eq!(log.take(), "method boxed");
}

macro_rules! same_name {
    ($log:ident, $name:ident) => {
        #[::backstop::must_cleanup]
        fn two_of_a_name($log: &Log) {
            #[cleanup($log.note(format!("caller-{}", $name)))]
            let $name = 1;
            #[cleanup($log.note(format!("macro-{}", value)))]
            let value = 2;
            $log.note(format!("{}{}", $name, value));
            drop($name);
            $log.note("between");
            drop(value);
            $log.note("end");
        }
    };
}
same_name!(log, value);

#[test]
fn names_that_differ_by_hygiene_only_are_two_names() {
    let log = Log::new();
    two_of_a_name(&log);
    assert_eq!(log.take(), "12 caller-1 between macro-2 end");
}
