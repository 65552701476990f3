//! The command line.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use lexopt::{Arg, Parser};

use crate::shop::Deadlines;
use crate::supplier::{self, Supplier};

/// What `--help` prints.
pub const USAGE: &str = "\
A shop as a web service, whose clients may go away.

Usage: web_service [OPTIONS]     serves until SIGTERM or Ctrl-C
       web_service demo          shows what 500 clients leave behind, beside plain tokio

Options:
  --listen HOST:PORT     where to listen [default: 127.0.0.1:0, any free port]
  --database FILE        the database [default: a temporary one]
  --deadlines A,B,C      milliseconds for a request, its work, and a statement
                         [default: 8000,5000,3000]
  --delay MILLISECONDS   how long the supplier takes to answer [default: 2000]
  --supplier HOST:PORT   another supplier
  --plain                the same service in plain tokio
  -h, --help             print this
";

/// What the program is to do.
pub enum Command {
    /// To serve.
    Serve(Options),
    /// To show what clients leave behind.
    Demo,
    /// To print how it is called.
    Help,
}

/// How to serve.
#[derive(Debug)]
pub struct Options {
    /// Where to listen.
    pub listen: String,
    /// The database, if not a temporary one.
    pub database: Option<PathBuf>,
    /// How long things may take.
    pub deadlines: Deadlines,
    /// How long a supplier of its own takes to answer.
    pub delay: Duration,
    /// Another supplier.
    pub supplier: Option<Supplier>,
    /// In plain tokio.
    pub plain: bool,
}

impl Options {
    /// The supplier to ask: a prompt one of its own, if no other is given.
    ///
    /// # Errors
    ///
    /// If there is no port to be had.
    pub async fn supplier(&self) -> io::Result<Supplier> {
        if let Some(supplier) = self.supplier {
            return Ok(supplier);
        }
        let (supplier, desk) = supplier::start().await?;
        desk.answer_all(self.delay);
        Ok(supplier)
    }

    /// The database, in `place` if none is given.
    #[must_use]
    pub fn database(&self, place: &Path) -> PathBuf {
        self.database.clone().unwrap_or_else(|| place.join("shop.db"))
    }

    /// Says where the service is, and what to try.
    pub fn announce(&self, address: SocketAddr) {
        let delay = self.delay.as_millis();
        print(&format!(
            "serving on http://{address}; the supplier takes {delay} ms\n\
             \n\
             curl -d 'paper 2' http://{address}/orders\n\
             curl -d 'paper 2' -m 1 http://{address}/orders    # goes away: rolled back\n\
             curl http://{address}/status\n\
             \n\
             `--delay 6000` makes a deadline pass; Ctrl-C ends it\n"
        ));
    }
}

impl Command {
    /// Reads the command line.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn from_env() -> Result<Self, lexopt::Error> {
        let mut parser = Parser::from_env();
        let mut options = Options {
            listen: "127.0.0.1:0".to_owned(),
            database: None,
            deadlines: Deadlines::default(),
            delay: Duration::from_secs(2),
            supplier: None,
            plain: false,
        };
        let mut demo = false;
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Value(word) if word == "demo" => demo = true,
                Arg::Long("listen") => options.listen = value(&mut parser)?,
                Arg::Long("database") => options.database = Some(parser.value()?.into()),
                Arg::Long("deadlines") => options.deadlines = deadlines(&mut parser)?,
                Arg::Long("delay") => options.delay = Duration::from_millis(value(&mut parser)?),
                Arg::Long("supplier") => options.supplier = Some(Supplier(value(&mut parser)?)),
                Arg::Long("plain") => options.plain = true,
                Arg::Short('h') | Arg::Long("help") => return Ok(Self::Help),
                other => return Err(other.unexpected()),
            }
        }
        Ok(if demo { Self::Demo } else { Self::Serve(options) })
    }
}

fn value<T: FromStr>(parser: &mut Parser) -> Result<T, lexopt::Error>
where
    T::Err: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    use lexopt::ValueExt as _;
    parser.value()?.parse()
}

fn deadlines(parser: &mut Parser) -> Result<Deadlines, lexopt::Error> {
    let text: String = value(parser)?;
    let numbers: Result<Vec<u64>, _> = text.split(',').map(str::parse).collect();
    match numbers.as_deref() {
        Ok(&[request, work, statement]) => {
            let [request, work, statement] = [request, work, statement].map(Duration::from_millis);
            Ok(Deadlines { request, work, statement })
        }
        _ => Err(format!("`{text}` is no value for `--deadlines`, as `8000,5000,3000` is").into()),
    }
}

/// Prints; a reader of stdout that has gone is no failure of the service.
pub fn print(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}
