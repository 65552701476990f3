//! A program with a constructor that makes something, in its reaper, too.
#![allow(unsafe_code, reason = "a constructor")]

use std::env;
use std::sync::Mutex;

use backstop::{OwnedPath, Survives, scratch};

static MADE: Mutex<Option<OwnedPath>> = Mutex::new(None);

extern "C" fn construct() {
    // Of the tests that cargo makes of this file, there are none, and nobody to say where.
    let Some(directory) = env::var_os("CONSTRUCTED") else { return };
    let made = scratch::dir_in(directory, Survives::Exit).expect("a directory");
    *MADE.lock().expect("no panic") = Some(made);
}

// SAFETY: a function of the signature that the C library calls, before `main`.
#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCT: extern "C" fn() = construct;

#[backstop::main(reaper)]
fn main() {
    let made = MADE.lock().expect("no panic");
    let there = made.as_ref().is_some_and(|made| made.path().is_dir());
    println!("{there}");
    backstop::reaper::check().expect("it runs");
}
