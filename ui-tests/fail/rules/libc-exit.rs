use backstop::no_exit;

mod libc {
    pub unsafe fn _exit(_: i32) {}
}

#[no_exit]
fn refused() -> std::process::ExitCode {
    unsafe { libc::_exit(1) };
    std::process::ExitCode::SUCCESS
}

fn main() {
    refused();
}
