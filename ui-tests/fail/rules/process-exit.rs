use backstop::no_exit;

#[no_exit]
fn refused(code: u8) -> std::process::ExitCode {
    if code > 1 {
        std::process::exit(2);
    }
    return std::process::ExitCode::SUCCESS;
}

fn main() {
    refused(1);
}
