//! Each defect once, however many attributes look for it, in whatever order they stand.

// What rustc has to say of the rest of these bodies is not the subject.
#![allow(unreachable_code, unused_variables)]

use backstop::{must_cleanup, no_exit, scoped_spawn};

#[no_exit]
#[must_cleanup]
#[scoped_spawn]
fn one_order(name: String) {
    #[cleanup(println!("closed"), on = failed)]
    let x = 1;
    std::process::exit(*x);
    std::mem::forget(name);
    spawn(|| {});
}

#[scoped_spawn]
#[must_cleanup]
#[no_exit]
fn the_other_order(name: String) {
    #[cleanup(println!("closed"), on = failed)]
    let x = 1;
    std::process::exit(*x);
    std::mem::forget(name);
    spawn(|| {});
}

use std::thread::spawn;

fn main() {
    one_order(String::new());
    the_other_order(String::new());
}
