//! The command line of the example.

use std::num::NonZero;
use std::path::PathBuf;
use std::thread;

use lexopt::Arg;

use super::{ROWS, Row};

/// What is asked for.
#[derive(Debug)]
pub(super) enum Parsed {
    Help,
    Run(Arguments),
}

#[derive(Debug)]
pub(super) struct Arguments {
    pub(super) rows: Vec<&'static Row>,
    pub(super) format: Format,
    pub(super) jobs: NonZero<usize>,
    pub(super) abort_program: Option<PathBuf>,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Matrix,
    /// The matrix, and of each cell what its processes said.
    Details,
    Document,
}

pub(super) fn usage() -> String {
    let row = |row: &Row| format!("  {:<31}{}\n", row.name, row.plain_title());
    let rows = ROWS.iter().map(row).collect::<Vec<_>>().concat();
    format!(
        "\
Ends processes in every way there is, and shows what each kind of cleanup leaves behind.

Usage: survive [ROW]... [--verbose] [--markdown] [--jobs N] [--abort-program PATH]

Arguments:
  ROW                    a way to end, explained, with all that its processes said [default: all]

Options:
  --verbose              shows of all rows what their processes said
  --markdown             prints docs/guarantees.md
  --jobs N               how many processes to run at once [default: 4 for each processor]
  --abort-program PATH   this program built with `panic = \"abort\"`, for the row of that name, which
                         is simulated otherwise
  -h, --help             print this

Rows:
{rows}
Exit status: 0 if each cell is as docs/guarantees.md says, 1 if not, 2 for a wrong command line.
"
    )
}

pub(super) fn parse() -> Result<Parsed, lexopt::Error> {
    let mut parser = lexopt::Parser::from_env();
    let mut rows = Vec::new();
    let mut format = Format::Matrix;
    let mut jobs = thread::available_parallelism().map_or(4, NonZero::get).saturating_mul(4);
    let mut abort_program = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Value(name) => rows.push(row(&name.to_string_lossy())?),
            Arg::Long("verbose") => format = Format::Details,
            Arg::Long("markdown") => format = Format::Document,
            Arg::Long("jobs") => {
                let value = parser.value()?;
                let value = value.to_string_lossy();
                let number: NonZero<usize> = value
                    .parse()
                    .map_err(|error| format!("`{value}` is no value for `--jobs`: {error}"))?;
                jobs = number.get();
            }
            Arg::Long("abort-program") => {
                let path = PathBuf::from(parser.value()?);
                // A cell would only say that its process did not start.
                if !path.is_file() {
                    return Err(format!("there is no program `{}`", path.display()).into());
                }
                abort_program = Some(path);
            }
            Arg::Short('h') | Arg::Long("help") => return Ok(Parsed::Help),
            other => return Err(other.unexpected()),
        }
    }
    match (format, rows.is_empty()) {
        (Format::Document, false) => return Err("`--markdown` is about all rows".into()),
        (_, true) => rows.extend(ROWS),
        (_, false) => format = Format::Details,
    }
    let jobs = NonZero::new(jobs).unwrap_or(NonZero::<usize>::MIN);
    Ok(Parsed::Run(Arguments { rows, format, jobs, abort_program }))
}

/// A row by its name.
fn row(name: &str) -> Result<&'static Row, lexopt::Error> {
    if let Some(row) = ROWS.iter().find(|row| row.name == name) {
        return Ok(row);
    }
    let near = |row: &&Row| strsim::jaro_winkler(row.name, name);
    let nearest = ROWS.iter().max_by(|one, other| near(one).total_cmp(&near(other)));
    let hint = nearest
        .filter(|row| near(row) > 0.75)
        .map_or_else(String::new, |row| format!("; did you mean `{}`?", row.name));
    Err(format!("there is no row `{name}`{hint}").into())
}
