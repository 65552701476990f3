//! The options of `#[scoped_spawn]`.

use proc_macro2::{Span, TokenStream};
use syn::{Expr, ExprLit, ExprUnary, Ident, Lit, LitStr, UnOp};

use crate::args::{self, Common, Entry};
use crate::diagnostic::{Errors, message};
use crate::syntax::peel;

#[derive(Clone)]
pub(crate) struct Args {
    pub(crate) common: Common,
    /// How many children may run at once: a literal that is not 0, or any other expression.
    pub(crate) limit: Option<Expr>,
    /// The variant of `OnFailure`, with the span of the word.
    pub(crate) on_failure: Option<Ident>,
    /// The name of children that have none of their own.
    pub(crate) name: Option<LitStr>,
    /// Children run on the function's own task, with the span of the key.
    pub(crate) local: Option<Span>,
    /// When the body of an `async fn` is stopped.
    pub(crate) deadline: Option<Deadline>,
}

#[derive(Clone)]
pub(crate) struct Deadline {
    /// The span of the key.
    pub(crate) key: Span,
    pub(crate) time: Time,
}

#[derive(Clone)]
pub(crate) enum Time {
    Nanoseconds(u64),
    /// Anything but a literal.
    Duration(Box<Expr>),
}

impl Args {
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self {
            common: Common::new(),
            limit: None,
            on_failure: None,
            name: None,
            local: None,
            deadline: None,
        };
        let known = ["limit", "on_failure", "name", "local", "deadline", "allow", "crate"];
        args::read(tokens, "scoped_spawn", &known, errors, |entry, errors| {
            match entry.key.to_string().as_str() {
                "limit" => args.limit = errors.take(limit(entry)),
                "on_failure" => args.on_failure = errors.take(on_failure(entry)),
                "name" => args.name = errors.take(name(entry)),
                "local" => args.local = errors.take(entry.switch()).map(|()| entry.key.span()),
                "deadline" => args.deadline = errors.take(deadline(entry)),
                _ => return args.common.take(entry, errors),
            }
            None
        });
        args
    }
}

fn limit(entry: Entry) -> syn::Result<Expr> {
    const EXPECTED: &str = "the number of children that may run at once, at least 1";
    let value: Expr = entry.equals(EXPECTED)?;
    if let Expr::Lit(literal) = peel(&value) {
        let fits = match &literal.lit {
            Lit::Int(int) => int.base10_parse::<usize>().is_ok_and(|limit| limit > 0),
            _ => false,
        };
        if !fits {
            return Err(syn::Error::new_spanned(&value, format!("`limit` takes {EXPECTED}")));
        }
    }
    if matches!(peel(&value), Expr::Unary(ExprUnary { op: UnOp::Neg(_), .. })) {
        return Err(syn::Error::new_spanned(&value, format!("`limit` takes {EXPECTED}")));
    }
    Ok(value)
}

fn deadline(entry: Entry) -> syn::Result<Deadline> {
    const EXPECTED: &str = "a time such as `\"5s\"` or `\"250ms\"`";
    let key = entry.key.span();
    let value: Expr = entry.equals(EXPECTED)?;
    let time = match peel(&value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            Time::Nanoseconds(args::duration(text, EXPECTED)?)
        }
        Expr::Lit(other) => {
            let text = format!("`deadline` takes {EXPECTED}, or a `Duration`");
            return Err(syn::Error::new_spanned(other, text));
        }
        _ => Time::Duration(Box::new(value)),
    };
    Ok(Deadline { key, time })
}

fn name(entry: Entry) -> syn::Result<LitStr> {
    const EXPECTED: &str = "the name of its children, such as \"fetch\"";
    let name: LitStr = entry.equals(EXPECTED)?;
    if name.value().is_empty() || name.value().contains('\0') {
        return Err(syn::Error::new(name.span(), format!("`name` takes {EXPECTED}")));
    }
    Ok(name)
}

fn on_failure(entry: Entry) -> syn::Result<Ident> {
    const EXPECTED: &str = "`cancel` or `wait`";
    let word: Ident = entry.equals(EXPECTED)?;
    let variant = match word.to_string().as_str() {
        "cancel" => "Cancel",
        "wait" => "Wait",
        other => {
            let text = message(
                format!("unknown value `{other}` of `on_failure`"),
                format!("`on_failure` takes {EXPECTED}"),
            );
            return Err(syn::Error::new(word.span(), text));
        }
    };
    Ok(Ident::new(variant, word.span()))
}
