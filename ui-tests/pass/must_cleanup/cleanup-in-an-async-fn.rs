//! Cleanups in `async fn`s of every form, under denied lints and forbidden unsafe code.

#![deny(warnings, clippy::all, clippy::pedantic)]
#![forbid(unsafe_code)]

use std::future::{Future, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use backstop::{defer, must_cleanup};

static RAN: AtomicU32 = AtomicU32::new(0);

fn ran() {
    RAN.fetch_add(1, Ordering::Relaxed);
}

#[must_cleanup]
async fn with_a_let() -> u32 {
    #[cleanup(ran())]
    let x = ready(1).await;
    *x
}

#[must_cleanup]
pub async fn with_defer() {
    defer! { ran() }
    ready(()).await;
}

#[must_cleanup]
async fn with_a_question(x: &str) -> Result<u8, std::num::ParseIntError> {
    #[cleanup(ran(), on = [error, cancel])]
    let y = (ready(x.parse::<u8>()).await)?;
    for _ in 0..*y {
        #[cleanup(ran())]
        ready(()).await;
    }
    (ready(x).await).parse()
}

struct Server;

#[must_cleanup]
impl Server {
    async fn serve(&self) {
        #[cleanup(ran())]
        ready(()).await;
    }

    async fn without(&self) {}
}

trait Job {
    async fn run(&self) -> Box<dyn Fn(u8) -> u8>;
}

impl Job for Server {
    #[must_cleanup]
    async fn run(&self) -> Box<dyn Fn(u8) -> u8> {
        #[cleanup(ran())]
        let y = ready(1).await;
        let y = *y;
        Box::new(move |x| x + y)
    }
}

fn finish<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("never pending"),
    }
}

fn is_send<F: Send>(future: F) -> F {
    future
}

fn main() {
    assert_eq!(finish(is_send(with_a_let())), 1);
    finish(is_send(with_defer()));
    assert_eq!(finish(is_send(with_a_question("2"))), Ok(2));
    finish(is_send(Server.serve()));
    finish(is_send(Server.without()));
    assert_eq!(finish(Server.run())(1), 2);
    assert_eq!(RAN.load(Ordering::Relaxed), 6);
}
