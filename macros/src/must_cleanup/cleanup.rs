//! What stands in `#[cleanup(..)]` and `defer!`: the expression and its options.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens as _;
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, LitStr, Macro, Meta, Token};

use super::rung::{Rung, alone, last};
use super::text::{Options, written};

use crate::args::{self, Entry, Value};
use crate::diagnostic::{Errors, message};
use crate::macros::arguments;
use crate::syntax::exit_token;

const KEYS: [&str; 4] = ["on", "survives", "timeout", "name"];

/// A cleanup as it was declared.
pub(crate) struct Cleanup {
    pub(crate) expr: Expr,
    /// The expression as it was written, for the default name.
    pub(crate) text: String,
    /// The outcomes that it runs for, a bit each, as the runtime's `Owner` reads them.
    pub(crate) on: u8,
    /// What it survives, beyond an unwind.
    pub(crate) rung: Option<Rung>,
    pub(crate) name: Option<LitStr>,
    /// The `async` of a cleanup that is to be awaited.
    pub(crate) awaited: Option<Span>,
    /// How long it may take, in nanoseconds.
    pub(crate) timeout: Option<u64>,
    /// Whether its calls may diverge.
    pub(crate) may_diverge: bool,
    /// Whether to warn where a panic would not run it.
    pub(crate) warns_of_abort: bool,
    /// The token that stands for the whole in messages.
    pub(crate) span: Span,
}

const UNWIND: u8 = 4;
const CANCEL: u8 = 8;

/// The words that `on` takes, with their bits.
const OUTCOMES: [(&str, u8); 6] = [
    ("always", 1 | 2 | UNWIND | CANCEL),
    ("success", 1),
    ("error", 2),
    ("unwind", UNWIND),
    ("cancel", CANCEL),
    ("failure", 2 | UNWIND | CANCEL),
];

impl Cleanup {
    /// One that does nothing, in place of one that cannot be read: the rest of the function still
    /// type-checks.
    fn nothing(span: Span) -> Self {
        Self {
            expr: syn::parse_quote!(()),
            text: String::new(),
            on: 15,
            rung: None,
            name: None,
            awaited: None,
            timeout: None,
            may_diverge: false,
            warns_of_abort: false,
            span,
        }
    }

    fn named(mut self, written: Option<String>) -> Self {
        self.text = written.unwrap_or_else(|| self.expr.to_token_stream().to_string());
        self
    }

    /// Does nothing instead: what is wrong with the expression has been said.
    pub(crate) fn clear(&mut self) {
        self.rung = None;
        self.expr = match self.awaited {
            Some(_) => syn::parse_quote!(async {}),
            None => syn::parse_quote!(()),
        };
    }

    /// Evaluates the expression to no purpose: what is wrong with its value has been said, but not
    /// what else may be wrong in it.
    fn discard(&mut self) {
        self.rung = None;
        if self.awaited.is_none() {
            let expr = &self.expr;
            self.expr = syn::parse_quote!({ let _ = #expr; });
        }
    }

    /// Whether it is owed on a panic, and nothing but the panic's unwinding runs it.
    pub(crate) fn needs_unwind(&self) -> bool {
        self.on & UNWIND != 0 && self.rung.is_none()
    }

    /// Whether an attribute holds an `async` cleanup.
    pub(crate) fn is_awaited(attribute: &Attribute) -> bool {
        let Meta::List(list) = &attribute.meta else { return false };
        list.parse_args_with(|input: ParseStream<'_>| {
            let is_async = matches!(input.parse::<Expr>(), Ok(Expr::Async(_)));
            input.parse::<TokenStream>().map(|_| is_async)
        })
        .unwrap_or(false)
    }

    /// Reads `#[cleanup(EXPR, key = value, ..)]`.
    pub(crate) fn of_attribute(attribute: &Attribute, errors: &mut Errors) -> Self {
        let span = attribute.path().span();
        let Meta::List(list) = &attribute.meta else {
            errors.push(empty(span));
            return Self::nothing(span);
        };
        let parser = |input: ParseStream<'_>| {
            if input.is_empty() {
                return Err(empty(span));
            }
            let expr = input.parse::<Expr>()?;
            if !input.is_empty() && input.parse::<Option<Token![,]>>()?.is_none() {
                let text =
                    message("expected `,` after the cleanup", "write `#[cleanup(EXPR, on = ..)]`");
                return Err(input.error(text));
            }
            Ok((expr, input.parse::<TokenStream>()?))
        };
        match errors.take(parser.parse2(list.tokens.clone()).map_err(|error| at_end(error, span))) {
            Some((expr, options)) => {
                let (cleanup, count) = Self::read(expr, options, span, "cleanup", errors);
                cleanup.named(written(&list.delimiter, Options::Behind(count)))
            }
            None => Self::nothing(span),
        }
    }

    /// Reads what stands in `defer!`: `key = value, .., EXPR`, or the statements of a block.
    pub(crate) fn of_defer(mac: &Macro, errors: &mut Errors) -> Self {
        let span = mac.path.span();
        let parser = |input: ParseStream<'_>| {
            let mut options = TokenStream::new();
            while input.peek(syn::Ident) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
                let fork = input.fork();
                if !KEYS.contains(&fork.parse::<Ident>()?.to_string().as_str()) {
                    break;
                }
                let Entry { key, value: Value::Equals(value) } = input.parse()? else { break };
                if input.parse::<Option<Token![,]>>()?.is_none() {
                    let text = message(
                        "expected `,` and the cleanup after the option",
                        "write `defer!(on = .., EXPR)`",
                    );
                    return Err(syn::Error::new(key.span(), text));
                }
                options.extend(quote::quote!(#key = #value,));
            }
            let block = syn::Block {
                brace_token: syn::token::Brace(span),
                stmts: input.call(syn::Block::parse_within)?,
            };
            Ok((block, options))
        };
        let read = parser.parse2(mac.tokens.clone());
        let read =
            read.map_err(|error| option_behind(&mac.tokens).unwrap_or_else(|| at_end(error, span)));
        let Some((block, options)) = errors.take(read) else {
            return Self::nothing(span);
        };
        if block.stmts.is_empty() {
            errors.push(empty(span));
            return Self::nothing(span);
        }
        let expr = Expr::Block(syn::ExprBlock { attrs: Vec::new(), label: None, block });
        let (cleanup, count) = Self::read(expr, options, span, "defer!", errors);
        cleanup.named(written(&mac.delimiter, Options::Before(count)))
    }

    /// The cleanup without its text, and how many options it has.
    fn read(
        expr: Expr,
        options: TokenStream,
        span: Span,
        owner: &str,
        errors: &mut Errors,
    ) -> (Self, usize) {
        let mut count = 0;
        let mut cleanup = Self::nothing(span);
        let mut timeout = None;
        let mut is_misread = false;
        if let Some(key) = option_in_place_of_expr(&expr) {
            let text = message(
                format!("the cleanup comes first in `{owner}`, and `{key}` is an option of it"),
                format!("write `#[cleanup(EXPR, {key} = ..)]`"),
            );
            errors.at(&expr, text);
            return (cleanup, count);
        }
        if let Some(error) = exit_in(&expr) {
            errors.push(error);
        } else {
            cleanup.expr = expr;
        }
        args::read(options, owner, &KEYS, errors, |entry, errors| {
            count += 1;
            match entry.key.to_string().as_str() {
                "on" => cleanup.on = errors.take(entry.equals(ON).and_then(outcomes)).unwrap_or(15),
                "survives" => {
                    let rung =
                        errors.take(entry.equals(SURVIVES).and_then(|word| Rung::read(&word)));
                    is_misread |= rung.is_none();
                    cleanup.rung = rung.flatten();
                }
                "timeout" => {
                    let key = entry.key.span();
                    let value = errors.take(
                        entry
                            .equals::<LitStr>(TIMEOUT)
                            .and_then(|value| args::duration(&value, TIMEOUT)),
                    );
                    timeout = value.map(|value| (key, value));
                }
                "name" => {
                    cleanup.name = errors.take(entry.equals("a string such as `\"session\"`"));
                }
                _ => return Some(entry),
            }
            None
        });
        if let Expr::Async(block) = alone(&cleanup.expr) {
            cleanup.awaited = Some(block.async_token.span());
            cleanup.expr = Expr::Async(block.clone());
            if let Some(rung) = cleanup.rung.take() {
                errors.push(rung.needs_sync());
            }
            cleanup.timeout = timeout.map(|(_, limit)| limit);
        } else if let Some((key, _)) = timeout {
            let text = message(
                "`timeout` limits an `async` cleanup, and this one is not",
                "limit the time inside the cleanup",
            );
            errors.at_span(key, text);
        }
        if let Some(rung) = cleanup.rung.take_if(|_| cleanup.on & CANCEL == 0) {
            errors.push(rung.needs_cancel());
            cleanup.clear();
        }
        if is_misread {
            // What it would have to be is not known.
            cleanup.discard();
        } else if let (Expr::Closure(closure), None) = (last(&cleanup.expr), &cleanup.rung) {
            let text = message(
                "nothing calls this closure: a cleanup is the code itself",
                "write the closure's body alone, or add `survives = exit`, which takes a closure",
            );
            errors.at(closure, text);
            cleanup.discard();
        }
        (cleanup, count)
    }
}

const TIMEOUT: &str = "a time such as `\"5s\"` or `\"250ms\"`";
const SURVIVES: &str = "`unwind`, `exit`, `kill` or `reboot`";
const ON: &str = "`always`, `success`, `error`, `unwind`, `cancel`, `failure`, or a list such as \
                  `[error, unwind]`";

/// Gives an error at the end of the tokens, where there is none to point at, a place.
fn at_end(error: syn::Error, place: Span) -> syn::Error {
    let text = error.to_string();
    if text.starts_with("unexpected end of input") { syn::Error::new(place, text) } else { error }
}

fn empty(span: Span) -> syn::Error {
    syn::Error::new(
        span,
        message(
            "a cleanup needs an expression",
            "write what is to run: `#[cleanup(conn.close())]`",
        ),
    )
}

/// `#[cleanup(on = failure)]` parses as an assignment to `on`.
fn option_in_place_of_expr(expr: &Expr) -> Option<&'static str> {
    let Expr::Assign(assign) = expr else { return None };
    let Expr::Path(left) = &*assign.left else { return None };
    KEYS.into_iter().find(|key| left.path.is_ident(key))
}

/// `defer!(EXPR, on = failure)`, in the order of `#[cleanup]`.
fn option_behind(tokens: &TokenStream) -> Option<syn::Error> {
    let key = |input: ParseStream<'_>| {
        input.parse::<Expr>()?;
        input.parse::<Token![,]>()?;
        let key = input.parse::<Ident>()?;
        input.parse::<Token![=]>()?;
        input.parse::<TokenStream>().map(|_| key)
    };
    let key =
        key.parse2(tokens.clone()).ok().filter(|key| KEYS.iter().any(|known| key == known))?;
    let wrong =
        format!("in `defer!` the options come first, and `{key}` stands behind the cleanup");
    Some(syn::Error::new(key.span(), message(wrong, format!("write `defer!({key} = .., EXPR)`"))))
}

fn outcomes(value: Expr) -> syn::Result<u8> {
    let words = match value {
        Expr::Array(list) if list.elems.is_empty() => {
            let text = message("`on` names no outcome", format!("`on` takes {ON}"));
            return Err(syn::Error::new_spanned(list, text));
        }
        Expr::Array(list) => list.elems.into_iter().collect(),
        other => vec![other],
    };
    let mut on = 0;
    for word in words {
        let text = word.to_token_stream().to_string();
        match OUTCOMES.iter().find(|(name, _)| *name == text) {
            Some((_, bits)) => on |= bits,
            None => {
                let wrong = format!("unknown outcome `{}`", text.replace(' ', ""));
                let text = message(wrong, format!("`on` takes {ON}"));
                return Err(syn::Error::new_spanned(word, text));
            }
        }
    }
    Ok(on)
}

/// The first token in a cleanup that would leave it.
fn exit_in(expr: &Expr) -> Option<syn::Error> {
    #[derive(Default)]
    struct Exits {
        loops: usize,
        found: Option<(Span, &'static str)>,
    }
    impl Exits {
        fn found(&mut self, span: Span, what: &'static str) {
            self.found.get_or_insert((span, what));
        }

        fn macro_(&mut self, mac: &Macro) {
            match arguments(mac) {
                Some(arguments) => arguments.iter().for_each(|argument| self.visit_expr(argument)),
                None => {
                    if let Some((span, what)) = exit_token(&mac.tokens) {
                        self.found(span, what);
                    }
                }
            }
        }
    }
    impl<'ast> Visit<'ast> for Exits {
        fn visit_expr(&mut self, expr: &'ast Expr) {
            match expr {
                Expr::Try(expr) => self.found(expr.question_token.span(), "`?`"),
                Expr::Return(expr) => self.found(expr.return_token.span(), "`return`"),
                Expr::Await(expr) => self.found(expr.await_token.span(), "`.await`"),
                Expr::Break(expr) if self.loops == 0 => {
                    self.found(expr.break_token.span(), "`break`");
                }
                Expr::Continue(expr) if self.loops == 0 => {
                    self.found(expr.continue_token.span(), "`continue`");
                }
                Expr::Loop(_) | Expr::While(_) | Expr::ForLoop(_) => {
                    self.loops += 1;
                    visit::visit_expr(self, expr);
                    self.loops -= 1;
                    return;
                }
                Expr::Closure(_) | Expr::Async(_) => return,
                Expr::Macro(expr) => self.macro_(&expr.mac),
                _ => {}
            }
            visit::visit_expr(self, expr);
        }
        fn visit_stmt_macro(&mut self, stmt: &'ast syn::StmtMacro) {
            self.macro_(&stmt.mac);
        }
        fn visit_item(&mut self, _: &'ast syn::Item) {}
    }
    let mut exits = Exits::default();
    exits.visit_expr(expr);
    let (span, what) = exits.found?;
    let remedy = match what {
        "`?`" => {
            "end the cleanup with the `Result` itself: an `Err` is reported as a failed cleanup"
        }
        "`.await`" => {
            "in an `async fn` write `async { .. }` around it; elsewhere call a blocking function"
        }
        _ => "let the expression end instead: it runs while its block is already being left",
    };
    Some(syn::Error::new(span, message(format!("{what} cannot leave a cleanup"), remedy)))
}
