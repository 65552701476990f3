#![deny(warnings)]

use backstop::no_exit;

mod libc {
    pub unsafe fn _exit(_: i32) {}
}

#[no_exit]
fn accepted() -> std::process::ExitCode {
    std::process::ExitCode::FAILURE
}

#[no_exit]
fn allowed() -> std::process::ExitCode {
    #[allow_skip(libc_exit, reason = "the forked child must not unwind")]
    unsafe {
        libc::_exit(1)
    };
    std::process::ExitCode::SUCCESS
}

fn main() {
    let _ = accepted();
    let _ = allowed as fn() -> std::process::ExitCode;
}
