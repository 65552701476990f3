// What rustc has to say of the rest of these bodies is not the subject.
#![allow(unreachable_code, unused_variables)]

use backstop::no_exit;
use std::pin::Pin;

struct Server;

impl Server {
    #[no_exit]
    fn boxed(self: Box<Self>) {
        std::process::exit(1);
    }

    #[no_exit]
    fn pinned(self: Pin<&mut Self>) {
        std::process::exit(1);
    }
}

#[no_exit]
unsafe fn unsafe_fn() {
    std::process::exit(1);
}

#[no_exit]
extern "C" fn extern_fn() {
    std::process::exit(1);
}

#[no_exit]
fn generic<'a, T: ?Sized, const N: usize>(_: &'a T) -> impl Iterator<Item = &'a u8> + use<'a, T, N> {
    std::process::exit(1);
    [].into_iter()
}

#[no_exit]
#[track_caller]
fn tracked() {
    std::process::exit(1);
}

#[no_exit]
fn never() -> ! {
    std::process::exit(1)
}

fn main() {
    Box::new(Server).boxed();
    Pin::new(&mut Server).pinned();
    unsafe { unsafe_fn() };
    extern_fn();
    generic::<_, 3>("");
    tracked();
    never();
}
