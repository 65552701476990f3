//! What never returns, and yet runs every destructor.

#![deny(warnings)]

use backstop::no_exit;
use std::panic::{self, catch_unwind, resume_unwind};

fn fail(text: &str) -> ! {
    panic!("{text}")
}

struct Server;

impl Server {
    fn fail(&self) -> ! {
        panic!("server")
    }
}

#[no_exit]
fn panics(which: u8) -> u8 {
    match which {
        0 => panic!("no {}", which),
        1 => unreachable!(),
        2 => todo!("later"),
        3 => unimplemented!(),
        4 => panic::panic_any(which),
        5 => resume_unwind(Box::new(which)),
        6 => std::panic::resume_unwind(Box::new(which)),
        7 => core::panic!("core"),
        8 => {
            assert!(which > 8, "{which}");
            0
        }
        9 => {
            assert_eq!(which, 8);
            debug_assert_ne!(which, 9);
            0
        }
        10 => None.unwrap(),
        11 => Err::<u8, u8>(which).expect("an error"),
        12 => [1][usize::from(which)],
        _ => 13,
    }
}

#[no_exit(unwinds(fail))]
fn own_helper(ok: bool) -> u8 {
    if ok { 1 } else { fail("not ok") }
}

#[no_exit(unwinds(crate::fail, Server::fail))]
fn own_helpers(ok: bool) -> u8 {
    match ok {
        true => 1,
        false if cfg!(windows) => Server.fail(),
        false => crate::fail("not ok"),
    }
}

struct Checked;

#[no_exit]
impl Checked {
    fn fail(&self) -> ! {
        Self::fail_with(1)
    }

    fn fail_with(code: u8) -> ! {
        panic!("{code}")
    }

    fn run(&self, ok: bool) -> u8 {
        if ok {
            return 1;
        }
        self.fail()
    }
}

#[no_exit]
mod checked {
    pub fn run(ok: bool) -> u8 {
        if ok { 1 } else { fail() }
    }

    fn fail() -> ! {
        self::fail_with("never mind")
    }

    fn fail_with(text: &str) -> ! {
        panic!("{text}")
    }
}

#[no_exit]
fn loops(mut left: u32) -> u32 {
    let found = loop {
        if left == 0 {
            break 7;
        }
        left -= 1;
    };
    loop {
        if left == 0 {
            return found;
        }
    }
}

#[no_exit]
fn nested_items_are_their_own() -> u8 {
    fn exits() {
        std::process::exit(1);
    }
    struct Local;
    impl Local {
        fn exits(&self) -> ! {
            std::process::abort()
        }
    }
    let _: (fn(), fn(&Local) -> !) = (exits, Local::exits);
    1
}

#[no_exit(allow(process_exit, diverging_call, reason = "a fixture"))]
fn allowed(exit: bool) {
    fn leave() -> ! {
        panic!("not really")
    }
    if exit {
        std::process::exit(1);
    }
    leave();
}

fn main() {
    panic::set_hook(Box::new(|_| {}));
    for which in 0..13 {
        assert!(catch_unwind(|| panics(which)).is_err(), "{which}");
    }
    assert_eq!(panics(13), 13);
    assert!(catch_unwind(|| own_helper(false)).is_err());
    assert!(catch_unwind(|| own_helpers(false)).is_err());
    assert!(catch_unwind(|| Checked.run(false)).is_err());
    assert!(catch_unwind(|| checked::run(false)).is_err());
    assert_eq!(own_helper(true) + own_helpers(true) + Checked.run(true) + checked::run(true), 4);
    assert_eq!(loops(3), 7);
    assert_eq!(nested_items_are_their_own(), 1);
    assert!(catch_unwind(|| allowed(false)).is_err());
}
