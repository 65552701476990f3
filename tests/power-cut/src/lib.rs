//! Cuts the power of a virtual machine while a program makes and removes things, starts it again, and
//! looks at what is left. `.ci/power-cut` runs it; CONTRIBUTING says what for.
#![cfg(target_os = "linux")]

pub mod archive;
pub mod disk;
pub mod ends;
pub mod known;
pub mod look;
pub mod machine;
pub mod memory;
pub mod nbd;
pub mod rounds;
pub mod said;
pub mod things;
