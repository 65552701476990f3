//! `async fn` of every kind: the future keeps its output and stays `Send`.

#![deny(warnings)]

use backstop::must_cleanup;
use std::future::{Future, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

#[must_cleanup]
async fn free(x: u8) -> u8 {
    ready(x).await
}

#[must_cleanup]
pub(crate) async unsafe fn not_safe() -> u8 {
    ready(1).await
}

#[must_cleanup]
async fn fallible(x: &str) -> Result<u8, std::num::ParseIntError> {
    let y = ready(x.parse::<u8>()).await?;
    Ok(y)
}

#[must_cleanup]
async fn generic<'a, T: Clone + Send + Sync, const N: usize>(x: &'a [T; N]) -> Option<&'a T> {
    ready(x.first()).await
}

#[must_cleanup]
fn returns_a_future(x: u8) -> impl Future<Output = u8> + Send {
    async move { ready(x).await }
}

#[must_cleanup]
fn returns_a_boxed_future<'a>(x: &'a u8) -> Pin<Box<dyn Future<Output = u8> + Send + 'a>> {
    Box::pin(async move { ready(*x).await })
}

struct Server(u8);

impl Server {
    #[must_cleanup]
    async fn method(&mut self) -> &mut u8 {
        ready(()).await;
        &mut self.0
    }
}

trait Job {
    async fn run(&self) -> u8;
}

impl Job for Server {
    #[must_cleanup]
    async fn run(&self) -> u8 {
        ready(self.0).await
    }
}

fn finish<T>(future: impl Future<Output = T> + Send) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("never pending"),
    }
}

fn main() {
    assert_eq!(finish(free(1)) + finish(unsafe { not_safe() }), 2);
    assert_eq!(finish(fallible("3")), Ok(3));
    assert_eq!(finish(generic(&[1, 2])), Some(&1));
    assert_eq!(finish(returns_a_future(1)) + finish(returns_a_boxed_future(&2)), 3);
    let mut server = Server(1);
    *finish(server.method()) = 5;
    assert_eq!(finish(server.run()), 5);
}
