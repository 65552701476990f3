#![deny(warnings)]

use std::process::{ExitCode, Termination};

struct Done;

impl Termination for Done {
    fn report(self) -> ExitCode {
        ExitCode::SUCCESS
    }
}

#[backstop::main]
fn main() -> impl Termination {
    Done
}
