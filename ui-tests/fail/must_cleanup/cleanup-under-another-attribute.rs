//! `#[no_exit]` and `#[scoped_spawn]` do not make guards.

use backstop::{no_exit, scoped_spawn};

#[no_exit]
fn under_no_exit() {
    #[cleanup(drop(name))]
    let name = String::new();
    println!("{name}");
}

#[scoped_spawn]
fn under_scoped_spawn() {
    #[cleanup(drop(name))]
    let name = String::new();
    println!("{name}");
}

fn main() {
    under_no_exit();
    under_scoped_spawn();
}
