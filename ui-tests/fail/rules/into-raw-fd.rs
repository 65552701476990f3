use backstop::must_cleanup;
use std::fs::File;
use std::os::fd::IntoRawFd as _;

#[must_cleanup]
fn refused(file: File) -> bool {
    file.into_raw_fd() > 2
}

fn main() {
    refused(File::open("/dev/null").unwrap());
}
