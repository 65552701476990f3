//! Option lists: `key`, `key = value` and `key(list)`, separated by commas, and the options that
//! every attribute takes.

use backstop_rules::Allow;
use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{LitStr, Path, Token, parenthesized};

use crate::diagnostic::{Errors, message};

/// One option, not yet interpreted.
pub(crate) struct Entry {
    pub(crate) key: Ident,
    pub(crate) value: Value,
}

pub(crate) enum Value {
    Nothing,
    /// The tokens behind `=`.
    Equals(TokenStream),
    /// The tokens between the parentheses.
    List(TokenStream),
}

impl Entry {
    /// An option that is on where it is named.
    pub(crate) fn switch(&self) -> syn::Result<()> {
        let Self { key, value } = self;
        if matches!(value, Value::Nothing) {
            return Ok(());
        }
        let text = message(
            format!("`{key}` takes no value"),
            format!("write `{key}` alone, or leave it out"),
        );
        Err(syn::Error::new(key.span(), text))
    }

    /// The value of `key = VALUE`.
    pub(crate) fn equals<T: Parse>(self, expected: &str) -> syn::Result<T> {
        let Self { key, value } = self;
        match value {
            Value::Equals(tokens) if !tokens.is_empty() => {
                // A value of the wrong kind is told at the value, in the option's own words.
                syn::parse2(tokens.clone()).map_err(|_| {
                    syn::Error::new_spanned(tokens, format!("`{key}` takes {expected}"))
                })
            }
            _ => Err(syn::Error::new(
                key.span(),
                message(
                    format!("`{key}` needs a value"),
                    format!("write `{key} = ..`, where `..` is {expected}"),
                ),
            )),
        }
    }

    /// The tokens of `key(LIST)`.
    pub(crate) fn list(self, example: &str) -> syn::Result<TokenStream> {
        let Self { key, value } = self;
        match value {
            Value::List(tokens) => Ok(tokens),
            _ => Err(syn::Error::new(
                key.span(),
                message(format!("`{key}` needs a list"), format!("write `{example}`")),
            )),
        }
    }
}

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = input.call(Ident::parse_any)?;
        let value = if input.peek(syn::token::Paren) {
            let list;
            parenthesized!(list in input);
            Value::List(list.parse()?)
        } else if input.parse::<Option<Token![=]>>()?.is_some() {
            Value::Equals(until_comma(input)?)
        } else {
            Value::Nothing
        };
        Ok(Self { key, value })
    }
}

fn until_comma(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut tokens = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        tokens.extend([input.parse::<TokenTree>()?]);
    }
    Ok(tokens)
}

/// Reads the entries, each key at most once (`allow` as often as one likes), and hands them to
/// `interpret`, which gives an entry back whose key it does not know.
pub(crate) fn read(
    tokens: TokenStream,
    owner: &str,
    known: &[&str],
    errors: &mut Errors,
    mut interpret: impl FnMut(Entry, &mut Errors) -> Option<Entry>,
) {
    let parser = |input: ParseStream<'_>| entries(input, owner, known);
    let Some(entries) = errors.take(parser.parse2(tokens)) else { return };
    let mut seen: Vec<String> = Vec::new();
    for entry in entries {
        let key = entry.key.to_string();
        if key != "allow" && seen.contains(&key) {
            let text = message(format!("`{key}` is given twice"), "keep one of the two");
            errors.at_span(entry.key.span(), text);
            continue;
        }
        seen.push(key);
        if let Some(unknown) = interpret(entry, errors) {
            errors.push(unknown_option(&unknown.key, owner, known));
        }
    }
}

fn entries(input: ParseStream<'_>, owner: &str, known: &[&str]) -> syn::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    while !input.is_empty() {
        if !input.peek(Ident::peek_any) {
            let wrong = format!("expected an option of `{owner}`");
            return Err(input.error(message(wrong, options(known))));
        }
        entries.push(input.parse()?);
        if !input.is_empty() && input.parse::<Option<Token![,]>>()?.is_none() {
            return Err(input.error(message("expected `,` between two options", options(known))));
        }
    }
    Ok(entries)
}

fn options(known: &[&str]) -> String {
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    format!("the options are {list}")
}

fn unknown_option(key: &Ident, owner: &str, known: &[&str]) -> syn::Error {
    let text = match later(&key.to_string()) {
        Some(remedy) => {
            message(format!("`{key}` is not available in this version of backstop"), remedy)
        }
        None => message(format!("unknown option `{key}` of `{owner}`"), options(known)),
    };
    syn::Error::new(key.span(), text)
}

/// Options of the design that have no code behind them yet: a user who read of them is told so.
fn later(key: &str) -> Option<&'static str> {
    Some(match key {
        "acquire" => "write `#[cleanup(..)]` on each `let` that acquires",
        "timeout" => "write it in `#[cleanup(async { .. }, timeout = \"5s\")]`",
        "deadline" => "cancel with a `CancelToken` that has a deadline",
        _ => return None,
    })
}

/// The options that all attributes take.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) allows: Vec<Allow>,
    /// Functions that return `!` by unwinding.
    pub(crate) unwinds: Vec<Path>,
    pub(crate) krate: Option<Path>,
}

impl Common {
    pub(crate) const fn new() -> Self {
        Self { allows: Vec::new(), unwinds: Vec::new(), krate: None }
    }

    /// Takes an entry that is one of the common options, else gives it back.
    pub(crate) fn take(&mut self, entry: Entry, errors: &mut Errors) -> Option<Entry> {
        match entry.key.to_string().as_str() {
            "allow" => self.allows.extend(allow(entry, errors)),
            "crate" => {
                let path = errors.take(entry.equals::<ModPath>("a path such as `::renamed`"));
                self.krate = path.map(|path| path.0);
            }
            _ => return Some(entry),
        }
        None
    }

    /// Takes `unwinds(path, ..)`.
    pub(crate) fn take_unwinds(&mut self, entry: Entry, errors: &mut Errors) -> Option<Entry> {
        if entry.key != "unwinds" {
            return self.take(entry, errors);
        }
        self.unwinds.extend(errors.take(unwinds(entry)).into_iter().flatten());
        None
    }
}

fn unwinds(entry: Entry) -> syn::Result<Punctuated<Path, Token![,]>> {
    const EXAMPLE: &str = "unwinds(path::to::function)";
    let span = entry.key.span();
    let wrong = |span| {
        let text = message("`unwinds` takes the paths of functions", format!("write `{EXAMPLE}`"));
        syn::Error::new(span, text)
    };
    let list = entry.list(EXAMPLE)?;
    let paths = Punctuated::<Path, Token![,]>::parse_terminated
        .parse2(list)
        .map_err(|error| wrong(error.span()))?;
    if paths.is_empty() { Err(wrong(span)) } else { Ok(paths) }
}

/// An allow that is not right still allows what it names: its own error is enough.
fn allow(entry: Entry, errors: &mut Errors) -> Option<Allow> {
    let span = entry.key.span();
    let list = errors.take(entry.list("allow(process_exit, reason = \"..\")"))?;
    let (allow, error) = Allow::parse(list, span);
    if let Some(error) = error {
        errors.push(error);
    }
    Some(allow)
}

/// A path as `use` takes it, `crate::..` and `::renamed` among them.
pub(crate) struct ModPath(pub(crate) Path);

impl Parse for ModPath {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let path = input.call(Path::parse_mod_style)?;
        if input.is_empty() { Ok(Self(path)) } else { Err(input.error("expected a path")) }
    }
}

/// Reads a time such as `"5s"`, in nanoseconds.
pub(crate) fn duration(value: &LitStr, expected: &str) -> syn::Result<u64> {
    const UNITS: [(&str, u64); 6] = [
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let text = value.value();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = UNITS.iter().find(|(unit, _)| *unit == &text[digits.len()..]);
    let time = unit.and_then(|(_, unit)| digits.parse::<u64>().ok()?.checked_mul(*unit));
    time.filter(|time| *time > 0).ok_or_else(|| {
        let text = message(
            format!("expected {expected}, and found {text:?}"),
            "write a whole number above 0 and one of `ns`, `us`, `ms`, `s`, `m`, `h`",
        );
        syn::Error::new(value.span(), text)
    })
}
