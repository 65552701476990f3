//! `crate = path` where the dependency has another name, or is reached through another crate.

#![deny(warnings)]

extern crate backstop as renamed;

mod reexport {
    pub mod deeper {
        pub use ::backstop as inner;
    }
}

mod backstop {
    //! Shadows the dependency's own name.
    pub struct Shadow;
}

#[renamed::no_exit(crate = ::renamed)]
fn no_exit() -> u8 {
    u8::from(true)
}

#[renamed::must_cleanup(crate = crate::reexport::deeper::inner)]
fn must_cleanup() -> Option<u8> {
    #[cleanup(println!("closed"))]
    let x = Some(1)?;
    Some(*x)
}

#[reexport::deeper::inner::scoped_spawn(crate = reexport::deeper::inner)]
fn scoped_spawn() -> u8 {
    std::thread::spawn(|| 1).join().unwrap()
}

fn main() {
    let _ = backstop::Shadow;
    assert_eq!((no_exit(), must_cleanup(), scoped_spawn()), (1, Some(1), 1));
}
