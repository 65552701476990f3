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
fn refused() -> Result<Cli, clap::Error> {
    let cli = Cli::try_parse().unwrap_or_else(|error| error.exit());
    if false {
        clap::Error::raw().exit();
    }
    Ok(cli)
}

fn main() {
    refused();
}
