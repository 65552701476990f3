//! Calls in macros of known syntax are looked at, and nothing about them changes.

#![deny(warnings)]

use std::future::{pending, ready};
use std::panic::catch_unwind;

use backstop::{must_cleanup, no_exit};

fn yes() -> bool {
    true
}

fn some<T>(value: T) -> Option<T> {
    Some(value)
}

#[no_exit]
async fn selecting() -> Option<u8> {
    loop {
        tokio::select! {
            biased;
            () = pending(), if yes() => return None,
            value = ready(some(3)) => { return Some(value?); }
            else => break,
        }
    }
    None
}

#[must_cleanup]
fn asserting(names: Vec<String>) -> Option<usize> {
    #[cleanup(println!("{count}"))]
    let count = names.len();
    assert!(names.iter().all(|name| name.len() > some(0).unwrap()) && yes());
    debug_assert!(!yes() || names.contains(&String::from("x")));
    let length = dbg!(some(names)?.len());
    if matches!(some(length), Some(length) if length > 1 && yes()) {
        return dbg!(some(length));
    }
    match length {
        0 => assert!(yes()),
        _ => assert!(yes() && *count > some(0)?),
    }
    dbg!(Some(if yes() { length } else { 4 }))
}

#[must_cleanup]
async fn asserting_later() -> Result<u8, String> {
    for turn in 0..2_u8 {
        #[cleanup(println!("{turn}"))]
        let turn = turn;
        assert!(
            *turn < 2 && {
                if ready(*turn == 1).await {
                    continue;
                }
                true
            }
        );
    }
    Ok(dbg!(some(3).ok_or(String::new())?))
}

// What a copy would move, the macro can still move.
#[no_exit]
fn moving(name: String) -> usize {
    fn length(name: String) -> usize {
        name.len()
    }
    assert!(yes() && length(name) == 1);
    let kept = &dbg!(some(String::from("x")));
    assert!(kept.is_some(), "{} {yes}", length(String::new()), yes = yes());
    vec![length(String::from("x")); 2].len()
}

#[no_exit]
fn telling(names: &[&str]) {
    assert!(names.is_empty() && yes());
}

#[no_exit]
fn allowed(stop: bool) {
    fn die() -> ! {
        std::process::exit(1)
    }
    #[allow_skip(diverging_call, reason = "not in this test")]
    assert!(if stop { die() } else { true });
    assert!({
        #[allow_skip(diverging_call, reason = "not in this test either")]
        if stop {
            die()
        }
        true
    });
}

fn main() {
    drop((selecting(), asserting_later()));
    assert_eq!(asserting(vec!["x".into()]), Some(1));
    assert_eq!(moving("x".into()), 2);
    allowed(false);
    let payload = catch_unwind(|| telling(&["x"])).unwrap_err();
    let told = "assertion failed: names.is_empty() && yes()";
    assert_eq!(payload.downcast_ref::<&str>(), Some(&told));
}
