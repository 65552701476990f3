//! Compresses every file under a directory, in parallel: all of them, or nothing is left behind.
//!
//! ```text
//! cargo run --example gzip_dir -- DIR [--out OUT] [--jobs N] [--max-bytes N]
//! ```
//!
//! The work is in `src/gzip.rs`. Here are the command line and the progress bar, which is taken
//! down on every way out, so that an error message stands on a clean line. A signal (Ctrl-C) still
//! ends the program where it stands, and leaves the scratch directory.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write as _;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::thread;

use backstop::{must_cleanup, no_exit};
use backstop_examples::gzip::{Error, Job, Step, Summary, gzip_dir};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use lexopt::Arg;

const USAGE: &str = "\
Compresses every file under a directory into a new directory beside it.

Usage: gzip_dir DIR [--out OUT] [--jobs N] [--max-bytes N]

Arguments:
  DIR              the directory; links in it are not followed

Options:
  --out OUT        the directory to make, which must not exist yet [default: DIR.gz]
  --jobs N         how many files to compress at once [default: the number of processors]
  --max-bytes N    give up when the compressed files have more bytes than this
  -h, --help       print this

Exit status: 0 if all files were compressed, 1 if not, 2 for a wrong command line.
";

fn main() -> ExitCode {
    let job = match arguments(lexopt::Parser::from_env()) {
        Ok(Some(job)) => job,
        Ok(None) => {
            print(USAGE);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("error: {error}\n  help: `gzip_dir --help` shows how to call it");
            return ExitCode::from(2);
        }
    };
    match run(&job) {
        Ok(Summary { files, read, written }) => {
            let (read, written) = (HumanBytes(read), HumanBytes(written));
            let target = job.target.display();
            print(&format!("{files} files, {read} -> {written}, in `{target}`\n"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}\n  help: {}", error.help());
            ExitCode::FAILURE
        }
    }
}

/// A reader of stdout that has gone is no failure of the compression.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

#[must_cleanup]
#[no_exit]
fn run(job: &Job) -> Result<Summary, Error> {
    #[cleanup(bar.finish_and_clear())]
    let bar = progress_bar();

    gzip_dir(job, &|step| show(&bar, step))
}

/// A bar on stderr; one that draws nothing where stderr is no terminal.
fn progress_bar() -> ProgressBar {
    let template = "{bar:30} {percent:>3} %  {bytes} of {total_bytes}  {wide_msg}";
    let style = ProgressStyle::with_template(template)
        .map_or_else(|_| ProgressStyle::default_bar(), |style| style.progress_chars("=> "));
    ProgressBar::new(0).with_style(style)
}

fn show(bar: &ProgressBar, step: Step<'_>) {
    match step {
        Step::Listed { bytes, .. } => bar.set_length(bytes),
        Step::Skipped { path, what } => {
            bar.suspend(|| eprintln!("skipped `{}`: {what}", path.display()));
        }
        Step::Started(path) => bar.set_message(path.display().to_string()),
        Step::Read(bytes) => bar.inc(bytes),
        Step::Finished(_) => {}
    }
}

/// Reads the command line; `None` where help is asked for.
fn arguments(mut parser: lexopt::Parser) -> Result<Option<Job>, lexopt::Error> {
    let mut source: Option<PathBuf> = None;
    let mut target: Option<PathBuf> = None;
    let mut jobs = thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let mut max_bytes = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Value(path) if source.is_none() => source = Some(path.into()),
            Arg::Long("out") => target = Some(parser.value()?.into()),
            Arg::Long("jobs") => jobs = number(&mut parser, "--jobs")?,
            Arg::Long("max-bytes") => max_bytes = Some(number(&mut parser, "--max-bytes")?),
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    let source = source.ok_or("the directory to compress is missing")?;
    let target = target.unwrap_or_else(|| beside(&source));
    Ok(Some(Job { source, target, jobs, max_bytes }))
}

/// The value of an option; lexopt's error would name the value alone.
fn number<T: FromStr>(parser: &mut lexopt::Parser, option: &str) -> Result<T, lexopt::Error>
where
    T::Err: Display,
{
    let value = parser.value()?;
    value.to_string_lossy().parse().map_err(|error| {
        format!("`{}` is no value for `{option}`: {error}", value.to_string_lossy()).into()
    })
}

/// `DIR.gz`, where DIR may be written as `.` or `..`.
fn beside(source: &Path) -> PathBuf {
    let mut path = OsString::from(source.canonicalize().unwrap_or_else(|_| source.to_owned()));
    path.push(".gz");
    path.into()
}
