//! The options of `#[backstop::main]`.

use proc_macro2::{Ident, TokenStream};
use syn::{LitInt, LitStr, Path};

use crate::args::{self, Entry, ModPath, Value};
use crate::diagnostic::{Errors, message};
use crate::duration;

/// What the runtime takes where no `grace` is given, in milliseconds.
const GRACE: u64 = 10_000;

pub(crate) struct Args {
    /// In milliseconds.
    pub(crate) grace: u64,
    pub(crate) reaper: bool,
    /// Empty for the program's default directory.
    pub(crate) journal: Option<LitStr>,
    /// On which threads the tasks of an `async` main run, with the first option that says so.
    pub(crate) workers: Option<(Ident, Workers)>,
    pub(crate) krate: Option<Path>,
    /// The options that work on Linux only, as they were written.
    pub(crate) linux: Vec<Ident>,
}

/// The threads of the runtime.
pub(crate) enum Workers {
    /// One for each processor.
    Default,
    /// So many.
    Count(usize),
    /// The main thread alone.
    CurrentThread,
}

impl Args {
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self {
            grace: GRACE,
            reaper: false,
            journal: None,
            workers: None,
            krate: None,
            linux: Vec::new(),
        };
        let known = ["grace", "reaper", "journal", "flavor", "worker_threads", "crate"];
        let (mut flavor, mut count) = (None, None);
        args::read(tokens, "main", &known, errors, |entry, errors| {
            if entry.key == "reaper" || entry.key == "journal" {
                args.linux.push(entry.key.clone());
            }
            match entry.key.to_string().as_str() {
                "grace" => {
                    let grace = errors.take(duration::milliseconds(entry));
                    args.grace = grace.unwrap_or(GRACE);
                }
                "reaper" => args.reaper = errors.take(entry.switch()).is_some(),
                "journal" => args.journal = errors.take(journal(entry)),
                "flavor" => flavor = errors.take(is_current_thread(entry)),
                "worker_threads" => count = errors.take(worker_threads(entry)),
                "crate" => {
                    let path = errors.take(entry.equals::<ModPath>("a path such as `::renamed`"));
                    args.krate = path.map(|path| path.0);
                }
                _ => return Some(entry),
            }
            None
        });
        args.workers = match (flavor, count) {
            (Some((_, true)), Some((key, _))) => {
                let text = message(
                    "`worker_threads` needs the flavor \"multi_thread\"",
                    "leave one of the two options out",
                );
                errors.at(&key, text);
                None
            }
            (Some((key, true)), None) => Some((key, Workers::CurrentThread)),
            (_, Some((key, count))) => Some((key, Workers::Count(count))),
            (Some((key, false)), None) => Some((key, Workers::Default)),
            (None, None) => None,
        };
        args
    }
}

/// The flavor of the runtime, as `tokio::main` has it: whether it is the one of the main thread alone.
fn is_current_thread(entry: Entry) -> syn::Result<(Ident, bool)> {
    const EXPECTED: &str = "\"multi_thread\" or \"current_thread\"";
    let key = entry.key.clone();
    let flavor: LitStr = entry.equals(EXPECTED)?;
    match flavor.value().as_str() {
        "multi_thread" => Ok((key, false)),
        "current_thread" => Ok((key, true)),
        other => {
            let text = message(
                format!("unknown flavor \"{other}\""),
                format!("`flavor` takes {EXPECTED}"),
            );
            Err(syn::Error::new(flavor.span(), text))
        }
    }
}

fn worker_threads(entry: Entry) -> syn::Result<(Ident, usize)> {
    const EXPECTED: &str = "a number of threads, at least 1";
    let key = entry.key.clone();
    let count: LitInt = entry.equals(EXPECTED)?;
    match count.base10_parse::<usize>() {
        Ok(count) if count > 0 => Ok((key, count)),
        _ => Err(syn::Error::new(count.span(), format!("`worker_threads` takes {EXPECTED}"))),
    }
}

fn journal(entry: Entry) -> syn::Result<LitStr> {
    const EXPECTED: &str = "the path of a directory, such as \"/var/lib/app/journal\"";
    if matches!(entry.value, Value::Nothing) {
        return Ok(LitStr::new("", entry.key.span()));
    }
    let path: LitStr = entry.equals(EXPECTED)?;
    if path.value().is_empty() || path.value().contains('\0') {
        return Err(syn::Error::new(path.span(), format!("`journal` takes {EXPECTED}")));
    }
    Ok(path)
}
