//! Places in the source are what they are without the attribute: of panics, of `?`, of callers.

#![allow(
    clippy::if_same_then_else,
    clippy::unnecessary_operation,
    clippy::from_str_radix_10,
    clippy::uninlined_format_args,
    reason = "what is compared is where it stands"
)]

use std::panic::{self, Location};
use std::sync::Mutex;

use backstop::must_cleanup;
use backstop_tests::caught;

/// Where an error was converted.
#[derive(Debug)]
struct Converted(&'static Location<'static>);

impl From<String> for Converted {
    #[track_caller]
    fn from(_: String) -> Self {
        Self(Location::caller())
    }
}

fn fails() -> Result<u8, String> {
    Err("fails".to_owned())
}

#[track_caller]
fn here() -> u32 {
    Location::caller().line()
}

/// Two functions of the same text, one of them annotated, and the lines that they begin at.
macro_rules! twice {
    ($plain:ident $annotated:ident($($arg:ident: $ty:ty),*) -> $ret:ty { $($body:tt)* }) => {
        fn $plain($($arg: $ty),*) -> $ret { $($body)* }
        #[must_cleanup]
        fn $annotated($($arg: $ty),*) -> $ret {
            #[cleanup(())]
            let _guard = 0;
            $($body)*
        }
    };
}

twice! { plain_conversion annotated_conversion(case: u8) -> Result<u8, Converted> {
    if case == 1 {
        fails()?;
    }
    if case == 2 {
        return Ok(fails()?);
    }
    if case == 3 {
        let _value = Some(fails())
            .into_iter()
            .collect::<Result<Vec<u8>, _>>()?;
    }
    if case == 4 {
        return Err(
            fails()
                .unwrap_err()
                .into(),
        );
    }
    let text = format!("{}", fails()?);
    Ok(text.parse().unwrap_or(1))
} }

#[test]
fn the_conversion_of_question_mark_sees_the_place_of_the_expression() {
    for case in 0..5 {
        let plain = plain_conversion(case).unwrap_err().0;
        let annotated = annotated_conversion(case).unwrap_err().0;
        assert_eq!(annotated.to_string(), plain.to_string(), "case {case}");
    }
}

#[must_cleanup]
#[track_caller]
fn tracked() -> u32 {
    #[cleanup(())]
    let _guard = 0;
    Location::caller().line()
}

#[must_cleanup]
#[track_caller]
fn tracked_through_calls(case: u8) -> u32 {
    #[cleanup(())]
    let _guard = 0;
    if case == 0 {
        return here();
    }
    match case {
        1 => here(),
        _ => u32::max(here(), 1),
    }
}

struct Tracked(u32);
#[must_cleanup]
impl Tracked {
    #[track_caller]
    fn method(&self) -> u32 {
        #[cleanup(assert_ne!(line, 0))]
        let line = Location::caller().line() + self.0;
        *line
    }
}

#[test]
fn track_caller_sees_the_caller() {
    assert_eq!((tracked(), Tracked(0).method()), (line!(), line!()));
    for case in 0..3 {
        assert_eq!(tracked_through_calls(case), line!());
    }
}

twice! { plain_calls annotated_calls(of: &[Option<u32>]) -> Vec<u32> {
    let first = here();
    let second = of
        .iter()
        .map(|_| here())
        .max()
        .unwrap_or_else(|| here());
    let block = { here() };
    vec![
        first,
        second,
        block,
        here(),
        if first > second { here() } else {
            here()
        },
    ]
} }

#[test]
fn callees_see_the_lines_of_their_calls() {
    assert_eq!(annotated_calls(&[None]), plain_calls(&[None]));
    assert_eq!(annotated_calls(&[]), plain_calls(&[]));
}

twice! { plain_panics annotated_panics(case: u8, of: Option<u8>, all: &[u8]) -> Result<u8, String> {
    match case {
        0 => panic!("0"),
        1 => assert!(
            of.is_some(),
            "1",
        ),
        2 => assert_eq!(all.len(), 3, "{:?}", of
            .unwrap_or(1)),
        3 => unreachable!(),
        4 => { all[usize::from(case)]; }
        5 => { of
            .expect("5"); }
        6 => return Ok(1 /
            all[0]),
        7 => return Err(of
            .map(|n| n.to_string())
            .unwrap()),
        8 => panic::panic_any(8),
        9 => {
            let value = u8::from_str_radix("x", 10)
                .unwrap();
            return Ok(value);
        }
        _ => {}
    }
    if case == 10 {
        return Ok(of.unwrap());
    }
    Ok(all[0]
        - case)
} }

#[test]
fn panics_report_the_line_and_column_that_they_have_without_the_attribute() {
    static PLACES: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let before = panic::take_hook();
    let thread = std::thread::current().id();
    panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == thread {
            PLACES.lock().unwrap().push(info.location().unwrap().to_string());
        } else {
            before(info);
        }
    }));
    for case in 0..12 {
        caught(|| plain_panics(case, None, &[0])).unwrap_err();
        caught(|| annotated_panics(case, None, &[0])).unwrap_err();
        let places = std::mem::take(&mut *PLACES.lock().unwrap());
        let [plain, annotated] = &places[..] else { panic!("case {}: {:?}", case, places) };
        assert_eq!(annotated, plain, "case {case}");
    }
    drop(panic::take_hook());
}

#[test]
fn a_guarded_assertion_prints_its_own_text() {
    #[must_cleanup]
    fn asserting(ready: bool) {
        #[cleanup(())]
        assert!(ready && !ready.to_string().is_empty());
    }
    let message = caught(|| asserting(false)).unwrap_err();
    assert_eq!(message, "assertion failed: ready && !ready.to_string().is_empty()");
}
