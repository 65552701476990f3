#![deny(warnings)]

use backstop::no_exit;

mod clap {
    #[derive(Debug)]
    pub struct Error;

    impl Error {
        pub fn raw() -> Error {
            Error
        }

        pub fn exit(&self) -> ! {
            std::process::exit(2)
        }
    }
}

struct Cli;

impl Cli {
    fn try_parse() -> Result<Cli, clap::Error> {
        Err(clap::Error)
    }
}

#[no_exit]
fn accepted() -> Result<Cli, clap::Error> {
    Cli::try_parse()
}

#[no_exit]
fn allowed() -> Result<Cli, clap::Error> {
    #[allow_skip(clap_exit, diverging_call, reason = "nothing is open yet")]
    let cli = Cli::try_parse().unwrap_or_else(|error| error.exit());
    Ok(cli)
}

fn main() {
    let _ = accepted();
    let _ = allowed as fn() -> Result<Cli, clap::Error>;
}
