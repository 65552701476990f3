//! Every kind of function that the attribute works on.

#![deny(warnings)]

use backstop::must_cleanup;
use std::fmt::Display;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

fn close(_: u8) {}

#[must_cleanup]
fn free() -> u8 {
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
    1
}

#[must_cleanup]
unsafe fn not_safe(x: *const u8) -> u8 {
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
    unsafe { *x }
}

#[must_cleanup]
extern "C" fn extern_c(x: u8) -> u8 {
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
    x
}

#[must_cleanup]
pub(crate) unsafe extern "C" fn both(x: u8) -> u8 {
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
    x
}

#[must_cleanup]
fn generic<T: Display, U>(x: T, _: U) -> String
where
    U: Clone,
{
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
    x.to_string()
}

#[must_cleanup]
fn const_generic<const N: usize>(x: [u8; N]) -> usize {
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
    x.len()
}

#[must_cleanup]
fn lifetimes<'a, 'b: 'a>(x: &'a str, y: &'b str) -> &'a str {
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
    if x.is_empty() { y } else { x }
}

#[must_cleanup]
fn elided(x: &[String]) -> Option<&str> {
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
    x.first().map(String::as_str)
}

#[must_cleanup]
fn impl_argument(x: impl IntoIterator<Item = u8>) -> u8 {
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
    x.into_iter().sum()
}

#[must_cleanup]
fn impl_result<'a>(x: &'a [u8]) -> impl Iterator<Item = u8> + use<'a> {
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
    x.iter().copied()
}

#[must_cleanup]
fn impl_fn(y: u8) -> impl Fn(u8) -> u8 {
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
    move |x| x + y
}

#[must_cleanup]
fn dyn_result() -> Box<dyn Fn(u8) -> u8> {
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
    Box::new(|x| x)
}

#[must_cleanup]
fn patterns((x, y): (u8, u8), [z, ..]: [u8; 2], mut w: u8) -> u8 {
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
    w += x + y;
    w + z
}

#[must_cleanup]
fn fallible(x: &str) -> Result<u8, std::num::ParseIntError> {
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
    let y: u8 = x.parse()?;
    Ok(y)
}

#[must_cleanup]
fn optional(x: &[u8]) -> Option<u8> {
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
    let y = x.first()?;
    Some(*y)
}

#[must_cleanup]
fn unit() {
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
}

#[must_cleanup]
#[track_caller]
fn tracked() -> u32 {
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
    std::panic::Location::caller().line()
}

#[must_cleanup]
#[inline]
#[must_use]
#[doc(hidden)]
#[allow(clippy::unused_unit)]
fn attributed() -> u8 {
    #[cleanup(close(x0))]
    let x0 = 1;
    let _ = *x0;
    1
}

struct Server {
    id: u8,
}

impl Server {
    #[must_cleanup]
    fn associated() -> Self {
        #[cleanup(close(x0))]
        let x0 = 1;
        let _ = *x0;
        Self { id: 1 }
    }

    #[must_cleanup]
    fn by_reference(&self) -> u8 {
        #[cleanup(close(x0))]
        let x0 = 1;
        let _ = *x0;
        self.id
    }

    #[must_cleanup]
    fn by_exclusive_reference(&mut self) -> &mut u8 {
        #[cleanup(close(x0))]
        let x0 = 1;
        let _ = *x0;
        &mut self.id
    }

    #[must_cleanup]
    fn by_value(self) -> u8 {
        #[cleanup(close(x0))]
        let x0 = 1;
        let _ = *x0;
        self.id
    }

    #[must_cleanup]
    fn by_mutable_value(mut self) -> u8 {
        #[cleanup(close(x0))]
        let x0 = 1;
        let _ = *x0;
        self.id += 1;
        self.id
    }

    #[must_cleanup]
    fn by_box(self: Box<Self>) -> u8 {
        #[cleanup(close(x0))]
        let x0 = 1;
        let _ = *x0;
        self.id
    }

    #[must_cleanup]
    fn by_rc(self: Rc<Self>) -> u8 {
        #[cleanup(close(x0))]
        let x0 = 1;
        let _ = *x0;
        self.id
    }

    #[must_cleanup]
    fn by_arc(self: &Arc<Self>) -> u8 {
        #[cleanup(close(x0))]
        let x0 = 1;
        let _ = *x0;
        self.id
    }

    #[must_cleanup]
    fn by_pin(self: Pin<&mut Self>) -> u8 {
        #[cleanup(close(x0))]
        let x0 = 1;
        let _ = *x0;
        self.id
    }

    #[must_cleanup]
    fn with_a_lifetime<'a>(&'a self, other: &'a Server) -> &'a u8 {
        #[cleanup(close(x0))]
        let x0 = 1;
        let _ = *x0;
        if self.id > other.id { &self.id } else { &other.id }
    }
}

trait Job {
    type Output;

    fn required(&self) -> Self::Output;

    #[must_cleanup]
    fn provided(&self) -> Self::Output {
        #[cleanup(close(x0))]
        let x0 = 1;
        let _ = *x0;
        self.required()
    }

    #[must_cleanup]
    fn generic<T: Into<u8>>(&self, x: T) -> u8
    where
        Self: Sized,
    {
        #[cleanup(close(x0))]
        let x0 = 1;
        let _ = *x0;
        x.into()
    }
}

impl Job for Server {
    type Output = u8;

    #[must_cleanup]
    fn required(&self) -> u8 {
        #[cleanup(close(x0))]
        let x0 = 1;
        let _ = *x0;
        self.id
    }
}

macro_rules! declare {
    ($name:ident, $body:expr) => {
        #[must_cleanup]
        fn $name() -> u8 {
            $body
        }
    };
}

declare!(declared, u8::from(true) + 1);

fn main() {
    assert_eq!(free(), 1);
    assert_eq!(unsafe { not_safe(&2) }, 2);
    assert_eq!(extern_c(1) + unsafe { both(1) }, 2);
    assert_eq!(generic(1, 'x'), "1");
    assert_eq!(const_generic([0; 3]), 3);
    assert_eq!(lifetimes("", "y"), "y");
    assert_eq!(elided(&[String::from("z")]), Some("z"));
    assert_eq!(impl_argument([1, 2]), 3);
    assert_eq!(impl_result(&[1]).count(), 1);
    assert_eq!(impl_fn(1)(2) + dyn_result()(1), 4);
    assert_eq!(patterns((1, 2), [3, 4], 5), 11);
    assert_eq!(fallible("7"), Ok(7));
    assert!(fallible("x").is_err());
    assert_eq!(optional(&[]), None);
    unit();
    assert_eq!(tracked(), line!());
    assert_eq!(attributed(), 1);
    let mut server = Server::associated();
    *server.by_exclusive_reference() = 3;
    assert_eq!(server.by_reference() + *server.with_a_lifetime(&Server { id: 9 }), 12);
    assert_eq!(Pin::new(&mut server).by_pin() + server.provided() + server.generic(1), 7);
    assert_eq!(server.by_value() + Server { id: 1 }.by_mutable_value(), 5);
    assert_eq!(Box::new(Server { id: 1 }).by_box() + Rc::new(Server { id: 1 }).by_rc(), 2);
    assert_eq!(Arc::new(Server { id: 1 }).by_arc(), 1);
    assert_eq!(declared(), 2);
}
