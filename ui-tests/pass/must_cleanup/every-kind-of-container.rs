//! On an `impl`, a `trait` or an inline `mod` the attribute applies to every function with a body
//! except `const fn`; nested items with an attribute of their own keep it.

#![deny(warnings)]

use backstop::must_cleanup;

struct Server;

#[must_cleanup]
impl Server {
    const LIMIT: u8 = 3;

    const fn limit() -> u8 {
        Self::LIMIT
    }

    fn run(&self) -> u8 {
        Self::limit()
    }

    #[must_cleanup]
    fn own_attribute(&self) -> u8 {
        4
    }
}

#[must_cleanup]
impl<'a, T: Clone, const N: usize> Generic<'a, T, N> {
    fn first(&self) -> Option<T> {
        self.0.first().cloned()
    }
}

struct Generic<'a, T, const N: usize>(&'a [T; N]);

#[must_cleanup]
impl Default for Server {
    fn default() -> Self {
        Server
    }
}

#[must_cleanup]
trait Job {
    type Output;

    const NAME: &'static str;

    fn required(&self) -> Self::Output;

    fn provided(&self) -> Self::Output {
        self.required()
    }
}

#[must_cleanup]
impl Job for Server {
    type Output = u8;

    const NAME: &'static str = "server";

    fn required(&self) -> u8 {
        5
    }
}

#[must_cleanup]
mod tools {
    use super::Server;

    pub const ONE: u8 = 1;
    pub static TWO: u8 = 2;

    pub type Id = u8;

    pub const fn constant() -> u8 {
        3
    }

    pub fn function() -> Id {
        constant() + ONE + TWO
    }

    impl Server {
        pub fn of_the_module(&self) -> u8 {
            7
        }
    }

    pub trait Tool {
        fn used(&self) -> u8 {
            8
        }
    }

    impl Tool for Server {}

    #[derive(Clone, Default)]
    pub struct Derived {
        pub field: Option<u8>,
    }

    pub mod deeper {
        pub fn function() -> u8 {
            9
        }
    }

    macro_rules! of_a_macro {
        ($name:ident) => {
            pub fn $name() -> u8 {
                10
            }
        };
    }

    of_a_macro!(made);
}

#[must_cleanup]
mod empty {}

fn main() {
    use tools::Tool as _;
    let server = Server::default();
    assert_eq!(server.run() + server.own_attribute() + server.provided(), 12);
    assert_eq!(Generic(&[1, 2]).first(), Some(1));
    assert_eq!(Server::NAME, "server");
    assert_eq!(tools::function() + server.of_the_module() + server.used(), 21);
    assert_eq!(tools::Derived::default().clone().field, None);
    assert_eq!(tools::deeper::function() + tools::made(), 19);
}
