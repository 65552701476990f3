#![deny(warnings)]

use backstop::no_exit;

#[no_exit]
fn accepted(code: u8) -> std::process::ExitCode {
    if code > 1 {
        return std::process::ExitCode::from(2);
    }
    std::process::ExitCode::SUCCESS
}

#[no_exit]
fn allowed(code: u8) -> std::process::ExitCode {
    if code > 1 {
        #[allow_skip(process_exit, reason = "the last statement of the program")]
        std::process::exit(2);
    }
    std::process::ExitCode::SUCCESS
}

fn main() {
    let _ = accepted(1);
    let _ = allowed as fn(u8) -> std::process::ExitCode;
}
