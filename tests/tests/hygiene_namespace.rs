//! A crate that uses every name that an expansion could lean on for something else.

#![deny(warnings)]
#![allow(dead_code, unused_macros, reason = "these names are there to be in the way")]
#![allow(non_upper_case_globals, non_camel_case_types, reason = "as hostile as can be")]

mod std {}
mod core {}
mod alloc {}
mod backstop {}
mod __private {}
mod mem {}

struct Result;
struct Option;
struct Box;
struct Vec;
struct String;
struct Guard;
struct Owner;
struct Slot;
struct Flag;
struct Armed;
struct Site;
struct Outcome;
struct Some;
struct None;
trait Drop {}
trait FnOnce {}
trait From {}
trait Default {}
trait Verdict {}
trait Question {}
#[allow(non_snake_case, reason = "as hostile as can be")]
fn Ok() {}
#[allow(non_snake_case, reason = "as hostile as can be")]
fn Err() {}
fn drop() {}
fn id() {}
fn mark() {}
fn leave() {}
fn ended() {}
fn question() {}
fn value() {}
fn judge() {}
fn suspect() {}
fn restore() {}
fn dropped() {}

const flag0: u8 = 1;
const verdict: u8 = 1;
const result: u8 = 1;
const slot0: u8 = 1;
const value0: u8 = 1;
const armed0: u8 = 1;
const unused0: u8 = 1;
const before0: u8 = 1;
static owner0: u8 = 1;

macro_rules! hostile {
    ($($name:ident)* ; $d:tt) => {$(
        macro_rules! $name {
            ($d($d tokens:tt)*) => { compile_error!("not the standard one") };
        }
    )*};
}
hostile! { panic stringify matches concat line file assert unreachable vec format ; $ }

macro_rules! harmless {
    ($value:expr) => {
        $value
    };
}

type Log = ::backstop_tests::Log;
type Answer = ::std::result::Result<u32, u8>;

#[::backstop::must_cleanup]
fn everything(log: &Log, case: u32) -> Answer {
    let (flag, slot, owner, armed, before) = (1_u32, 2_u32, 3_u32, 4_u32, 5_u32);
    #[cleanup(log.note("let"))]
    let guarded = case;
    #[cleanup(log.note("statement"), on = [success, failure])]
    log.note("body");
    #[cleanup(log.noted("by-value"), on = always)]
    let _other = harmless!(1);
    ::backstop::defer! { log.note("defer") }
    ::backstop::defer!(on = error, log.note("error"));
    harmless!(log.note("macro"));
    for turn in 0..2 {
        #[cleanup(log.note("turn"))]
        let turn = turn;
        if *turn == 1 {
            break;
        }
    }
    ::std::option::Option::Some(1).ok_or(1)?;
    if case == 2 {
        return ::std::result::Result::Err(1);
    }
    #[cleanup(log.note("early"))]
    let early = 1;
    ::std::mem::drop(early);
    ::std::result::Result::Ok(*guarded + flag + slot + owner + armed + before)
}

struct Value<'l>(&'l Log);

#[::backstop::must_cleanup]
impl ::std::ops::Drop for Value<'_> {
    fn drop(&mut self) {
        self.0.note("destructor");
    }
}

#[::backstop::no_exit]
fn checked(log: &Log) -> Answer {
    let _value = Value(log);
    mark();
    let some = ::std::option::Option::Some(3);
    harmless!(some.ok_or(1))
}

#[::backstop::scoped_spawn]
fn spawning(of: &[u32]) -> u32 {
    let handle = ::std::thread::spawn(|| of.iter().sum::<u32>());
    handle.join().unwrap()
}

fn without_attribute(log: &Log) {
    ::backstop::defer! { log.note("deferred") }
    log.note("body");
}

#[test]
fn names_of_the_users_never_get_in_the_way() {
    let log = Log::new();
    assert_ok(everything(&log, 0).is_ok_and(|sum| sum == 15));
    assert_ok(log.take() == "body macro turn turn early defer by-value statement let");
    assert_ok(everything(&log, 2).is_err());
    assert_ok(log.take() == "body macro turn turn error defer by-value statement let");
    assert_ok(checked(&log).is_ok());
    assert_ok(spawning(&[1, 2]) == 3);
    without_attribute(&log);
    assert_ok(log.take() == "destructor body deferred");
}

/// `assert!` is hostile here.
#[track_caller]
fn assert_ok(holds: bool) {
    ::std::assert!(holds);
}

#[test]
fn locals_named_as_generated_ones_are_the_users() {
    mod clean {
        use super::Log;

        #[::backstop::must_cleanup]
        pub(super) fn locals(log: &Log) -> u32 {
            let (flag0, slot0, owner0, value0, verdict, armed1) = (1, 2, 3, 4, 5, 6);
            #[cleanup(log.note("guarded"))]
            let result = flag0 + slot0 + owner0;
            let (flag0, owner0, slot0) = (10, 20, 30);
            #[cleanup(log.note("statement"))]
            log.note("body");
            if *result == 0 {
                return value0;
            }
            *result + value0 + verdict + armed1 + flag0 + slot0 + owner0
        }
    }
    let log = Log::new();
    assert_ok(clean::locals(&log) == 81);
    assert_ok(log.take() == "body statement guarded");
}
