//! What a cleanup costs a future: its auto traits stay, and its size is all but the same.

use std::cell::Cell;
use std::future::{Future, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use backstop::must_cleanup;

fn is_send<F: Future + Send>(future: F) -> F {
    future
}

struct Connection(Cell<u32>);

impl Connection {
    async fn query(&mut self, n: u32) -> Result<u32, &'static str> {
        ready(()).await;
        self.0.set(self.0.get() + n);
        Ok(n)
    }

    fn close(self) {
        black_box(self.0.into_inner());
    }
}

#[must_cleanup]
async fn guarded(name: &str) -> Result<u32, &'static str> {
    #[cleanup(conn.close())]
    let mut conn = Connection(Cell::new(0));
    #[cleanup(assert!(!name.is_empty()))]
    announce(name).await?;
    let mut sum = 0;
    for n in 0..3 {
        #[cleanup(drop(turn), on = failure)]
        let turn = n.to_string();
        sum += conn.query(turn.parse().unwrap_or(7)).await?;
    }
    Ok(sum)
}

async fn announce(name: &str) -> Result<(), &'static str> {
    ready(if name.is_empty() { Err("nobody") } else { Ok(()) }).await
}

#[test]
fn a_future_with_guards_stays_send() {
    let mut future = pin!(is_send(guarded("somebody")));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(Ok(3)));
}

#[test]
fn a_future_with_guards_over_generic_values_stays_send() {
    #[must_cleanup]
    async fn generic<'a, T: Clone + Send + Sync, F>(values: &'a [T], make: F) -> Option<&'a T>
    where
        F: Fn(&'a [T]) -> Option<&'a T> + Send + Sync,
    {
        #[cleanup(black_box(result).map_or((), drop))]
        let result = make(values);
        #[cleanup(drop(all), on = [success, cancel])]
        let all = values.to_vec();
        ready(all.len()).await;
        let first = result.as_ref().copied();
        let first = ready(first).await?;
        Some(first)
    }
    let values = ["a".to_owned(), "b".to_owned()];
    let mut future = pin!(is_send(generic(&values, |values| values.last())));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(Some(&values[1])));
}

#[test]
fn a_cleanup_that_owns_what_cannot_be_shared_leaves_the_future_send() {
    async fn look(text: &str) -> usize {
        ready(text.len()).await
    }
    #[must_cleanup]
    async fn owns() -> usize {
        let count = Cell::new(1);
        #[cleanup(drop((text, Cell::into_inner(count))))]
        let text = String::from("text");
        // Borrows the handle over an `.await`, and with it the owner of the cleanup.
        look(&text).await
    }
    let mut future = pin!(is_send(owns()));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(4));
}

struct Session(#[allow(dead_code, reason = "has a size")] Box<u32>);

impl Session {
    fn open() -> Self {
        Self(Box::default())
    }

    fn close(&self) {
        black_box(self);
    }
}

async fn work(session: &Session) -> Result<u32, u32> {
    session.close();
    ready(Ok(1)).await
}

#[test]
fn one_cleanup_adds_at_most_24_bytes() {
    async fn bare() -> Result<u32, u32> {
        let session = Session::open();
        let a = work(&session).await?;
        let b = work(&session).await?;
        session.close();
        Ok(a + b)
    }
    #[must_cleanup]
    async fn guarded() -> Result<u32, u32> {
        #[cleanup(session.close())]
        let session = Session::open();
        let a = work(&session).await?;
        let b = work(&session).await?;
        Ok(a + b)
    }
    let added = size_of_val(&guarded()) - size_of_val(&bare());
    println!("{} + {added} bytes", size_of_val(&bare()));
    assert!(added <= 24, "{added} bytes");
}

#[test]
fn one_cleanup_without_a_value_adds_at_most_32_bytes() {
    async fn bare() -> u32 {
        ready(1).await + ready(2).await
    }
    #[must_cleanup]
    async fn guarded() -> u32 {
        #[cleanup(black_box(()))]
        let _unit = ();
        ready(1).await + ready(2).await
    }
    let added = size_of_val(&guarded()) - size_of_val(&bare());
    println!("{} + {added} bytes", size_of_val(&bare()));
    assert!(added <= 32, "{added} bytes");
}

#[test]
fn the_arguments_are_kept_once() {
    #[must_cleanup]
    async fn large(bytes: [u8; 200]) -> usize {
        #[cleanup({ black_box(first); })]
        let first = bytes[0];
        ready(*first).await;
        ready(bytes.len()).await
    }
    async fn bare(bytes: [u8; 200]) -> usize {
        let first = bytes[0];
        ready(first).await;
        ready(bytes.len()).await
    }
    let added = size_of_val(&large([0; 200])) - size_of_val(&bare([0; 200]));
    assert!(added <= 48, "{added} bytes");
}
