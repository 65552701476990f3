//! Every kind of function that the attribute works on.

#![deny(warnings)]

use backstop::no_exit;
use std::fmt::Display;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

#[no_exit]
fn free() -> u8 {
    1
}

#[no_exit]
unsafe fn not_safe(x: *const u8) -> u8 {
    unsafe { *x }
}

#[no_exit]
extern "C" fn extern_c(x: u8) -> u8 {
    x
}

#[no_exit]
pub(crate) unsafe extern "C" fn both(x: u8) -> u8 {
    x
}

#[no_exit]
fn generic<T: Display, U>(x: T, _: U) -> String
where
    U: Clone,
{
    x.to_string()
}

#[no_exit]
fn const_generic<const N: usize>(x: [u8; N]) -> usize {
    x.len()
}

#[no_exit]
fn lifetimes<'a, 'b: 'a>(x: &'a str, y: &'b str) -> &'a str {
    if x.is_empty() { y } else { x }
}

#[no_exit]
fn elided(x: &[String]) -> Option<&str> {
    x.first().map(String::as_str)
}

#[no_exit]
fn impl_argument(x: impl IntoIterator<Item = u8>) -> u8 {
    x.into_iter().sum()
}

#[no_exit]
fn impl_result<'a>(x: &'a [u8]) -> impl Iterator<Item = u8> + use<'a> {
    x.iter().copied()
}

#[no_exit]
fn impl_fn(y: u8) -> impl Fn(u8) -> u8 {
    move |x| x + y
}

#[no_exit]
fn dyn_result() -> Box<dyn Fn(u8) -> u8> {
    Box::new(|x| x)
}

#[no_exit]
fn patterns((x, y): (u8, u8), [z, ..]: [u8; 2], mut w: u8) -> u8 {
    w += x + y;
    w + z
}

#[no_exit]
fn fallible(x: &str) -> Result<u8, std::num::ParseIntError> {
    let y: u8 = x.parse()?;
    Ok(y)
}

#[no_exit]
fn optional(x: &[u8]) -> Option<u8> {
    let y = x.first()?;
    Some(*y)
}

#[no_exit]
fn unit() {}

#[no_exit]
#[track_caller]
fn tracked() -> u32 {
    std::panic::Location::caller().line()
}

#[no_exit]
#[inline]
#[must_use]
#[doc(hidden)]
#[allow(clippy::unused_unit)]
fn attributed() -> u8 {
    1
}

struct Server {
    id: u8,
}

impl Server {
    #[no_exit]
    fn associated() -> Self {
        Self { id: 1 }
    }

    #[no_exit]
    fn by_reference(&self) -> u8 {
        self.id
    }

    #[no_exit]
    fn by_exclusive_reference(&mut self) -> &mut u8 {
        &mut self.id
    }

    #[no_exit]
    fn by_value(self) -> u8 {
        self.id
    }

    #[no_exit]
    fn by_mutable_value(mut self) -> u8 {
        self.id += 1;
        self.id
    }

    #[no_exit]
    fn by_box(self: Box<Self>) -> u8 {
        self.id
    }

    #[no_exit]
    fn by_rc(self: Rc<Self>) -> u8 {
        self.id
    }

    #[no_exit]
    fn by_arc(self: &Arc<Self>) -> u8 {
        self.id
    }

    #[no_exit]
    fn by_pin(self: Pin<&mut Self>) -> u8 {
        self.id
    }

    #[no_exit]
    fn with_a_lifetime<'a>(&'a self, other: &'a Server) -> &'a u8 {
        if self.id > other.id { &self.id } else { &other.id }
    }
}

trait Job {
    type Output;

    fn required(&self) -> Self::Output;

    #[no_exit]
    fn provided(&self) -> Self::Output {
        self.required()
    }

    #[no_exit]
    fn generic<T: Into<u8>>(&self, x: T) -> u8
    where
        Self: Sized,
    {
        x.into()
    }
}

impl Job for Server {
    type Output = u8;

    #[no_exit]
    fn required(&self) -> u8 {
        self.id
    }
}

macro_rules! declare {
    ($name:ident, $body:expr) => {
        #[no_exit]
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
