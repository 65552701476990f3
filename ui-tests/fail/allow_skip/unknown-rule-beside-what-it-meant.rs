//! The misspelled allow allows nothing: the exit that it was meant for is reported as well.

use backstop::no_exit;

#[no_exit]
fn both_errors() {
    #[allow_skip(proces_exit, reason = "the process ends here")]
    std::process::exit(1);
}

fn main() {
    both_errors();
}
