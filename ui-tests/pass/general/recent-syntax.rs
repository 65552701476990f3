//! Syntax that is stable since a short time only.

#![deny(warnings)]

use backstop::{must_cleanup, no_exit, scoped_spawn};

fn parse(x: &str) -> Result<u8, std::num::ParseIntError> {
    x.parse()
}

macro_rules! under {
    ($($attribute:ident $module:ident)*) => {$(
        mod $module {
            use super::*;

            #[$attribute]
            pub fn chains_and_guards(x: Option<&str>) -> u8 {
                if let Some(text) = x
                    && text.len() < 3
                    && let Ok(number) = parse(text)
                {
                    return number;
                }
                match x {
                    Some(text) if let Ok(number) = parse(&text[1..]) => number,
                    _ => 0,
                }
            }

            #[$attribute]
            pub fn expressions() -> usize {
                let later = async |x: usize| x;
                drop(later(1));
                let array: [u8; _] = [1, 2, 3];
                let raw = &raw const array;
                let text = c"text";
                let block = const { 1 + 2 };
                let label = 'label: {
                    if raw.is_null() {
                        break 'label 1;
                    }
                    2
                };
                let unsafe_ = unsafe { (*raw).len() };
                text.count_bytes() + block + label + unsafe_
            }

            #[$attribute]
            pub fn items_and_captures<'a>(x: &'a u8) -> impl Iterator<Item = u8> + use<'a> {
                unsafe extern "C" {
                    safe fn getpid() -> i32;
                }
                fn generic<const N: usize, const C: char>() -> usize {
                    N + C.len_utf8()
                }
                let _ = (getpid(), generic::<{ 1 + 2 }, 'x'>());
                let (Ok(y) | Err(y)) = Ok::<u8, u8>(*x);
                let 0.. = y;
                [*x, y].into_iter()
            }
        }
    )*};
}

under! {
    no_exit in_no_exit
    must_cleanup in_must_cleanup
    scoped_spawn in_scoped_spawn
}

fn main() {
    for run in [
        in_no_exit::chains_and_guards,
        in_must_cleanup::chains_and_guards,
        in_scoped_spawn::chains_and_guards,
    ] {
        assert_eq!((run(Some("12")), run(Some("x34")), run(None)), (12, 34, 0));
    }
    let runs =
        [in_no_exit::expressions, in_must_cleanup::expressions, in_scoped_spawn::expressions];
    assert!(runs.iter().all(|run| run() == 12));
    assert_eq!(in_no_exit::items_and_captures(&1).count(), 2);
    assert_eq!(in_must_cleanup::items_and_captures(&1).count(), 2);
    assert_eq!(in_scoped_spawn::items_and_captures(&1).count(), 2);
}
