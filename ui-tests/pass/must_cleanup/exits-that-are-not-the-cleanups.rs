//! `return`, `?`, `break` inside closures, async blocks and items of a cleanup are their own.

#![deny(warnings)]

use backstop::{defer, must_cleanup};

fn run<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[must_cleanup]
fn inner_exits() -> u8 {
    #[cleanup({
        run(|| {
            if a.is_empty() {
                return;
            }
            println!("{a}");
        });
        let parsed: Result<u8, std::num::ParseIntError> = run(|| Ok("1".parse::<u8>()? + 1));
        drop(parsed);
        for x in 0..3 {
            if x == 1 {
                continue;
            }
            if x == 2 {
                break;
            }
        }
        let y = loop {
            break 1;
        };
        drop(async { std::future::ready(y).await });
        fn early() -> Option<u8> {
            return None;
        }
        let _ = early();
    })]
    let a = String::from("a");
    defer! {
        while run(|| return false) {}
    }
    u8::try_from(a.len()).unwrap_or_default()
}

fn main() {
    assert_eq!(inner_exits(), 1);
}
