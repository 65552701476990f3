#![deny(warnings)]

use backstop::must_cleanup;
use std::fs::File;
use std::os::fd::{AsRawFd as _, IntoRawFd as _, OwnedFd};

#[must_cleanup]
fn accepted(file: File) -> bool {
    OwnedFd::from(file).as_raw_fd() > 2
}

#[must_cleanup]
fn allowed(file: File) -> bool {
    #[allow_skip(into_raw_fd, reason = "the library closes it")]
    let fd = file.into_raw_fd();
    OwnedFd::from(File::open("/dev/null").unwrap()).as_raw_fd() > fd
}

fn main() {
    let _ = accepted(File::open("/dev/null").unwrap());
    let _ = allowed as fn(File) -> bool;
}
