//! The options of `#[backstop::main]`.

use proc_macro2::TokenStream;
use syn::{Ident, LitStr, Path};

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
    pub(crate) krate: Option<Path>,
    /// The options that work on Linux only, as they were written.
    pub(crate) linux: Vec<Ident>,
}

impl Args {
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args =
            Self { grace: GRACE, reaper: false, journal: None, krate: None, linux: Vec::new() };
        let known = ["grace", "reaper", "journal", "crate"];
        args::read(tokens, "main", &known, errors, |entry, errors| {
            if entry.key == "reaper" || entry.key == "journal" {
                args.linux.push(entry.key.clone());
            }
            match entry.key.to_string().as_str() {
                "grace" => {
                    let grace = errors.take(duration::milliseconds(entry));
                    args.grace = grace.unwrap_or(GRACE);
                }
                "reaper" => args.reaper = errors.take(switch(&entry)).is_some(),
                "journal" => args.journal = errors.take(journal(entry)),
                "crate" => {
                    let path = errors.take(entry.equals::<ModPath>("a path such as `::renamed`"));
                    args.krate = path.map(|path| path.0);
                }
                _ => return Some(entry),
            }
            None
        });
        args
    }
}

/// An option that is on where it is named.
fn switch(entry: &Entry) -> syn::Result<()> {
    let Entry { key, value } = entry;
    if matches!(value, Value::Nothing) {
        return Ok(());
    }
    let text =
        message(format!("`{key}` takes no value"), format!("write `{key}` alone, or leave it out"));
    Err(syn::Error::new(key.span(), text))
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
