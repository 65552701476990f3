//! Every kind of function that the attribute works on.

#![deny(warnings)]

use backstop::scoped_spawn;
use std::fmt::Display;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

#[scoped_spawn]
fn free() -> u8 {
    let _ = std::thread::spawn(|| {});
    1
}

#[scoped_spawn]
unsafe fn not_safe(x: *const u8) -> u8 {
    let _ = std::thread::spawn(|| {});
    unsafe { *x }
}

#[scoped_spawn]
extern "C" fn extern_c(x: u8) -> u8 {
    let _ = std::thread::spawn(|| {});
    x
}

#[scoped_spawn]
pub(crate) unsafe extern "C" fn both(x: u8) -> u8 {
    let _ = std::thread::spawn(|| {});
    x
}

#[scoped_spawn]
fn generic<T: Display, U>(x: T, _: U) -> String
where
    U: Clone,
{
    let _ = std::thread::spawn(|| {});
    x.to_string()
}

#[scoped_spawn]
fn const_generic<const N: usize>(x: [u8; N]) -> usize {
    let _ = std::thread::spawn(|| {});
    x.len()
}

#[scoped_spawn]
fn lifetimes<'a, 'b: 'a>(x: &'a str, y: &'b str) -> &'a str {
    let _ = std::thread::spawn(|| {});
    if x.is_empty() { y } else { x }
}

#[scoped_spawn]
fn elided(x: &[String]) -> Option<&str> {
    let _ = std::thread::spawn(|| {});
    x.first().map(String::as_str)
}

#[scoped_spawn]
fn impl_argument(x: impl IntoIterator<Item = u8>) -> u8 {
    let _ = std::thread::spawn(|| {});
    x.into_iter().sum()
}

#[scoped_spawn]
fn impl_result<'a>(x: &'a [u8]) -> impl Iterator<Item = u8> + use<'a> {
    let _ = std::thread::spawn(|| {});
    x.iter().copied()
}

#[scoped_spawn]
fn impl_fn(y: u8) -> impl Fn(u8) -> u8 {
    let _ = std::thread::spawn(|| {});
    move |x| x + y
}

#[scoped_spawn]
fn dyn_result() -> Box<dyn Fn(u8) -> u8> {
    let _ = std::thread::spawn(|| {});
    Box::new(|x| x)
}

#[scoped_spawn]
fn patterns((x, y): (u8, u8), [z, ..]: [u8; 2], mut w: u8) -> u8 {
    let _ = std::thread::spawn(|| {});
    w += x + y;
    w + z
}

#[scoped_spawn]
fn fallible(x: &str) -> Result<u8, std::num::ParseIntError> {
    let _ = std::thread::spawn(|| {});
    let y: u8 = x.parse()?;
    Ok(y)
}

#[scoped_spawn]
fn optional(x: &[u8]) -> Option<u8> {
    let _ = std::thread::spawn(|| {});
    let y = x.first()?;
    Some(*y)
}

#[scoped_spawn]
fn unit() {
    let _ = std::thread::spawn(|| {});
}

#[scoped_spawn]
#[track_caller]
fn tracked() -> u32 {
    let _ = std::thread::spawn(|| {});
    std::panic::Location::caller().line()
}

#[scoped_spawn]
#[inline]
#[must_use]
#[doc(hidden)]
#[allow(clippy::unused_unit)]
fn attributed() -> u8 {
    let _ = std::thread::spawn(|| {});
    1
}

struct Server {
    id: u8,
}

impl Server {
    #[scoped_spawn]
    fn associated() -> Self {
        let _ = std::thread::spawn(|| {});
        Self { id: 1 }
    }

    #[scoped_spawn]
    fn by_reference(&self) -> u8 {
        let _ = std::thread::spawn(|| {});
        self.id
    }

    #[scoped_spawn]
    fn by_exclusive_reference(&mut self) -> &mut u8 {
        let _ = std::thread::spawn(|| {});
        &mut self.id
    }

    #[scoped_spawn]
    fn by_value(self) -> u8 {
        let _ = std::thread::spawn(|| {});
        self.id
    }

    #[scoped_spawn]
    fn by_mutable_value(mut self) -> u8 {
        let _ = std::thread::spawn(|| {});
        self.id += 1;
        self.id
    }

    #[scoped_spawn]
    fn by_box(self: Box<Self>) -> u8 {
        let _ = std::thread::spawn(|| {});
        self.id
    }

    #[scoped_spawn]
    fn by_rc(self: Rc<Self>) -> u8 {
        let _ = std::thread::spawn(|| {});
        self.id
    }

    #[scoped_spawn]
    fn by_arc(self: &Arc<Self>) -> u8 {
        let _ = std::thread::spawn(|| {});
        self.id
    }

    #[scoped_spawn]
    fn by_pin(self: Pin<&mut Self>) -> u8 {
        let _ = std::thread::spawn(|| {});
        self.id
    }

    #[scoped_spawn]
    fn with_a_lifetime<'a>(&'a self, other: &'a Server) -> &'a u8 {
        let _ = std::thread::spawn(|| {});
        if self.id > other.id { &self.id } else { &other.id }
    }
}

trait Job {
    type Output;

    fn required(&self) -> Self::Output;

    #[scoped_spawn]
    fn provided(&self) -> Self::Output {
        let _ = std::thread::spawn(|| {});
        self.required()
    }

    #[scoped_spawn]
    fn generic<T: Into<u8>>(&self, x: T) -> u8
    where
        Self: Sized,
    {
        let _ = std::thread::spawn(|| {});
        x.into()
    }
}

impl Job for Server {
    type Output = u8;

    #[scoped_spawn]
    fn required(&self) -> u8 {
        let _ = std::thread::spawn(|| {});
        self.id
    }
}

macro_rules! declare {
    ($name:ident, $body:expr) => {
        #[scoped_spawn]
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
    // The body is a closure's where it spawns: the line is its own, not the caller's.
    assert!(tracked() > 0);
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
