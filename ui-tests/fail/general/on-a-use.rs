#[backstop::no_exit]
use std::fmt;

#[backstop::must_cleanup]
pub use std::fs;

#[backstop::scoped_spawn]
extern crate std as standard;

fn main() {
    let _ = standard::mem::size_of::<(fmt::Error, fs::FileType)>();
}
