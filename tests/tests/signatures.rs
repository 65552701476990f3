//! Every kind of function that the attribute works on, and that it changes no function's type.

#![allow(
    clippy::boxed_local,
    clippy::arc_with_non_send_sync,
    clippy::type_complexity,
    reason = "these types are the test"
)]
#![deny(warnings)]

use std::borrow::Cow;
use std::fmt::Display;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use backstop::must_cleanup;
use backstop_tests::Log;

struct Counter<'l> {
    log: &'l Log,
    count: u8,
}

#[must_cleanup]
impl<'l> Counter<'l> {
    const LIMIT: u8 = 3;

    const fn new(log: &'l Log) -> Self {
        Self { log, count: 0 }
    }

    fn try_new(log: &'l Log, count: u8) -> Result<Self, String> {
        #[cleanup(log.note("try_new-failed"), on = error)]
        let count = count;
        if *count > Self::LIMIT { Err(count.to_string()) } else { Ok(Self { log, count: *count }) }
    }

    fn by_value(self) -> u8 {
        #[cleanup(self.log.note("by_value"))]
        let _guard = 0;
        self.count
    }

    fn by_ref(&self) -> Option<&Self> {
        #[cleanup(self.log.note("by_ref"), on = error)]
        let _guard = 0;
        (self.count < Self::LIMIT).then_some(self)
    }

    fn by_mut(&mut self) -> &mut u8 {
        #[cleanup(log.note("by_mut"))]
        let log = self.log;
        self.count += 1;
        &mut self.count
    }

    fn boxed(self: Box<Self>) -> u8 {
        #[cleanup(self.log.note("boxed"))]
        let _guard = 0;
        self.count
    }

    fn counted(self: Rc<Self>) -> Rc<Self> {
        #[cleanup(log.note("counted"))]
        let log = self.log;
        self
    }

    fn shared(self: &Arc<Self>) -> usize {
        #[cleanup(self.log.note("shared"))]
        let _guard = 0;
        Arc::strong_count(self)
    }

    fn pinned(mut self: Pin<&mut Self>) -> u8 {
        #[cleanup(log.note("pinned"))]
        let log = self.log;
        self.as_mut().count += 1;
        self.count
    }

    fn adder(&self) -> impl Fn(&u8) -> u8 {
        #[cleanup(self.log.note("adder"))]
        let _guard = 0;
        |by| self.count + *by
    }
}

#[test]
fn every_receiver_works_under_an_attribute_on_the_impl() {
    let log = Log::new();
    let counter = || Counter::new(&log);
    assert_eq!(counter().by_value(), 0);
    assert!(counter().by_ref().is_some());
    assert_eq!(*counter().by_mut(), 1);
    assert_eq!(Box::new(counter()).boxed(), 0);
    assert_eq!(Rc::new(counter()).counted().count, 0);
    assert_eq!(Arc::new(counter()).shared(), 1);
    assert_eq!(pin!(counter()).as_mut().pinned(), 1);
    assert_eq!(counter().adder()(&2), 2);
    assert_eq!(log.take(), "by_value by_mut boxed counted shared pinned adder");
    assert_eq!(Counter::try_new(&log, 3).unwrap().by_ref().map(|c| c.count), None);
    assert!(Counter::try_new(&log, 4).is_err());
    assert_eq!(log.take(), "by_ref try_new-failed");
}

#[must_cleanup]
trait Store {
    type Item: Display;

    fn log(&self) -> &Log;
    fn get(&self) -> Option<Self::Item>;

    fn shown(&self) -> Option<String> {
        #[cleanup(self.log().note("default-failed"), on = error)]
        let _guard = 0;
        Some(self.get()?.to_string())
    }

    fn generic<T: Into<u8>>(&self, value: T) -> u8
    where
        Self: Sized,
    {
        #[cleanup(self.log().note("generic"))]
        let _guard = 0;
        value.into()
    }
}

struct Memory<'l>(&'l Log, Option<u8>);

#[must_cleanup]
impl Store for Memory<'_> {
    type Item = u8;

    fn log(&self) -> &Log {
        self.0
    }

    fn get(&self) -> Option<Self::Item> {
        #[cleanup(self.0.note("get-failed"), on = error)]
        let _guard = 0;
        self.1
    }
}

trait Judged {
    type Output;
    fn call(&self, log: &Log) -> Self::Output;
}

impl Judged for bool {
    type Output = Result<(), String>;

    #[must_cleanup]
    fn call(&self, log: &Log) -> Self::Output {
        #[cleanup(log.note("judged"), on = error)]
        let _guard = 0;
        self.then_some(()).ok_or_else(String::new)
    }
}

#[test]
fn trait_default_methods_and_impls_are_guarded() {
    let log = Log::new();
    assert_eq!(Memory(&log, Some(1)).shown().as_deref(), Some("1"));
    assert_eq!(log.take(), "");
    assert_eq!(Memory(&log, None).shown(), None);
    assert_eq!(log.take(), "get-failed default-failed");
    assert_eq!(Memory(&log, None).generic(3), 3);
    assert_eq!(log.take(), "generic");
    assert!(true.call(&log).is_ok());
    assert!(false.call(&log).is_err());
    assert_eq!(log.take(), "judged");
}

#[must_cleanup]
mod module {
    use backstop_tests::Log;

    pub(super) const fn limit() -> u8 {
        3
    }

    pub(super) fn free(log: &Log) -> u8 {
        #[cleanup(log.note("free"))]
        let _guard = 0;
        inner::nested(log)
    }

    mod inner {
        use super::Log;

        pub(super) fn nested(log: &Log) -> u8 {
            #[cleanup(log.note("nested"))]
            let _guard = 0;
            super::Type.method(log)
        }
    }

    struct Type;

    impl Type {
        fn method(&self, log: &Log) -> u8 {
            let Self = self;
            #[cleanup(log.note("method"))]
            let _guard = 0;
            limit()
        }
    }
}

#[test]
fn an_attribute_on_a_module_reaches_every_function_in_it() {
    let log = Log::new();
    assert_eq!(module::free(&log), module::limit());
    assert_eq!(log.take(), "method nested free");
}

#[must_cleanup]
fn generic<'a, T, const N: usize>(log: &Log, all: &'a [T; N]) -> Cow<'a, [T]>
where
    T: Clone + PartialEq,
{
    #[cleanup(log.note(N.to_string()))]
    let _guard = 0;
    if all.first() == all.last() {
        return all.to_vec().into();
    }
    Cow::Borrowed(all)
}

#[must_cleanup]
fn arguments(
    log: &Log,
    text: impl Display,
    run: impl FnOnce() -> u8,
    (a, [b, ..]): (u8, [u8; 3]),
    mut c: u8,
) -> String {
    #[cleanup(log.note(&text.to_string()[..1]))]
    let _guard = 0;
    c += run();
    format!("{text}{a}{b}{c}")
}

#[must_cleanup]
unsafe fn reading(log: &Log, from: *const u8) -> u8 {
    #[cleanup(log.note("unsafe"))]
    let _guard = 0;
    // SAFETY: the caller's.
    unsafe { *from }
}

#[must_cleanup]
extern "C" fn from_c(value: u8) -> u8 {
    #[cleanup(())]
    let _guard = 0;
    if value == 1 {
        return 2;
    }
    value
}

#[must_cleanup]
fn recursive(log: &Log, depth: u8) -> Result<u8, String> {
    #[cleanup(log.note(depth.to_string()), on = error)]
    let depth = depth;
    if *depth == 0 { Err("bottom".to_owned()) } else { Ok(recursive(log, *depth - 1)? + 1) }
}

#[test]
fn generics_patterns_unsafe_and_extern_functions_are_guarded() {
    let log = Log::new();
    assert!(matches!(generic(&log, &[1, 2]), Cow::Borrowed([1, 2])));
    assert!(matches!(generic(&log, &["a"; 3]), Cow::Owned(_)));
    assert_eq!(log.take(), "2 3");
    assert_eq!(arguments(&log, "text", || 4, (1, [2, 0, 0]), 3), "text127");
    assert_eq!(log.take(), "t");
    // SAFETY: the pointer comes from a reference.
    assert_eq!(unsafe { reading(&log, &7) }, 7);
    assert_eq!(log.take(), "unsafe");
    assert_eq!((from_c(1), from_c(5)), (2, 5));
    assert!(recursive(&log, 2).is_err());
    assert_eq!(log.take(), "0 1 2");
}

#[must_cleanup]
async fn without_cleanups(value: &u8) -> Result<u8, String> {
    let doubled = async { *value * 2 }.await;
    if doubled > 10 {
        return Err(doubled.to_string());
    }
    Ok(doubled)
}

#[test]
fn an_async_function_without_cleanups_works_and_its_future_stays_send() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let ready = |value| {
        let mut context = Context::from_waker(Waker::noop());
        pin!(is_send(without_cleanups(value))).poll(&mut context)
    };
    assert_eq!(ready(&3), Poll::Ready(Ok(6)));
    assert_eq!(ready(&6), Poll::Ready(Err("12".to_owned())));
}

/// Functions with the attribute coerce to the very pointers that they do without.
#[test]
fn types_of_functions_are_unchanged() {
    fn all<T: Send + Sync + Copy + 'static>(_: T) {}
    let _: [for<'l> fn(&'l Log, u8) -> Result<u8, String>; 1] = [recursive];
    let _: extern "C" fn(u8) -> u8 = from_c;
    let _: for<'l> unsafe fn(&'l Log, *const u8) -> u8 = reading;
    let _: for<'l, 'a> fn(&'l Log, &'a [u8; 2]) -> Cow<'a, [u8]> = generic::<u8, 2>;
    let _: fn(Counter<'static>) -> u8 = Counter::by_value;
    let _: for<'a> fn(&'a mut Counter<'static>) -> &'a mut u8 = Counter::by_mut;
    all(recursive);
    all(from_c);
}

#[must_cleanup]
fn raw_identifiers(log: &Log, r#type: u8) -> u8 {
    #[cleanup(log.note(r#match.to_string()))]
    let r#match = r#type + 1;
    *r#match
}

#[test]
fn raw_identifiers_are_names_like_any_other() {
    let log = Log::new();
    assert_eq!(raw_identifiers(&log, 1), 2);
    assert_eq!(log.take(), "2");
}
