#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications, unused_results)]
#![forbid(unsafe_code)]
//! Expansions hold no `unsafe`, and nothing that a strict crate would be warned of.

use backstop::{defer, must_cleanup, no_exit, scoped_spawn};

#[no_exit]
fn no_exit(x: Option<u8>) -> u8 {
    let y = x.unwrap_or_default();
    assert_eq!(y, y.max(0));
    y
}

#[must_cleanup]
fn must_cleanup(x: &str) -> Result<u8, std::num::ParseIntError> {
    #[cleanup(drop(y))]
    let y = x.to_owned();
    defer! { println!("deferred") }
    #[cleanup(println!("after"), on = failure)]
    println!("{y}");
    for _ in 0..1 {
        #[cleanup(println!("turn"))]
        let turn = 1;
        if *turn == 1 {
            break;
        }
    }
    let parsed = y.parse()?;
    Ok(parsed)
}

#[scoped_spawn]
fn scoped_spawn(x: &str) -> usize {
    let handle = std::thread::spawn(|| x.len());
    handle.join().unwrap()
}

fn main() {
    assert_eq!(no_exit(Some(1)), 1);
    assert_eq!(must_cleanup("1"), Ok(1));
    assert_eq!(scoped_spawn("ab"), 2);
}
