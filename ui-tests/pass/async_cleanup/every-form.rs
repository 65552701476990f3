//! Every form of an `async` cleanup, under denied lints and forbidden unsafe code.

#![deny(warnings, clippy::all, clippy::pedantic)]
#![forbid(unsafe_code)]

use std::future::{Future, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use backstop::{Guard, defer, must_cleanup};

static RAN: AtomicU32 = AtomicU32::new(0);

fn ran() {
    RAN.fetch_add(1, Ordering::Relaxed);
}

struct Session(u32);

impl Session {
    async fn close(self) -> Result<(), String> {
        ready(()).await;
        ran();
        if self.0 == 0 { Err("closed already".to_owned()) } else { Ok(()) }
    }
}

#[must_cleanup]
async fn with_a_let(n: u32) -> Result<u32, std::num::ParseIntError> {
    #[cleanup(async { session.close().await }, timeout = "5s", name = "session")]
    let mut session = Session(n);
    session.0 += "1".parse::<u32>()?;
    for turn in 0..n {
        #[cleanup(async move { turn.close().await }, on = [success, cancel])]
        let turn = Session(turn + 1);
        if turn.0 > 2 {
            break;
        }
        ready(()).await;
    }
    Ok(session.0)
}

#[must_cleanup]
async fn without_a_value() {
    defer! { async { ran() } }
    defer!(on = failure, timeout = "1m", async { ran() });
    #[cleanup(async { ran() })]
    ready(()).await;
}

#[must_cleanup]
async fn early(way: u8) -> Option<Session> {
    #[cleanup(async { session.close().await })]
    let session = Session(1);
    match way {
        0 => drop(session),
        1 => Guard::run(session).await,
        _ => return Some(Guard::dismiss(session)),
    }
    None
}

#[must_cleanup]
async fn never_ends(way: u8) -> u8 {
    #[cleanup(async { ran() })]
    let n = way;
    loop {
        ready(()).await;
        if *n == 0 {
            return 1;
        }
        panic!("never called so");
    }
}

fn is_send<F: Send>(future: F) -> F {
    future
}

fn finish<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("never pending"),
    }
}

fn main() {
    assert_eq!(finish(is_send(with_a_let(4))), Ok(5));
    assert_eq!(RAN.swap(0, Ordering::Relaxed), 4);
    finish(is_send(without_a_value()));
    assert_eq!(RAN.swap(0, Ordering::Relaxed), 2);
    assert!(finish(early(0)).is_none() && finish(early(1)).is_none());
    assert_eq!(RAN.swap(0, Ordering::Relaxed), 2);
    assert!(finish(early(2)).is_some());
    assert_eq!(finish(is_send(never_ends(0))), 1);
    assert_eq!(RAN.swap(0, Ordering::Relaxed), 1);
}
