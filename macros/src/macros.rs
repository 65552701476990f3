//! The arguments of macros whose syntax is known.

use backstop_rules::macros_known::{MacroKind, macro_kind};
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::visit_mut::VisitMut;
use syn::{Attribute, Block, Expr, Ident, Macro, Pat, Result, Token};

/// The arguments of a macro, if they are a list of expressions and nobody prints their text.
pub(crate) fn arguments(mac: &Macro) -> Option<Punctuated<Expr, Token![,]>> {
    let is_list = match macro_kind(&mac.path) {
        MacroKind::Arguments | MacroKind::Diverges => true,
        // Its other form, `vec![x; n]`, is no list and stays as it is.
        _ => mac.path.segments.last().is_some_and(|last| last.ident == "vec"),
    };
    is_list.then(|| list(mac)).flatten()
}

/// The arguments of a macro, if they are a list of expressions.
pub(crate) fn list(mac: &Macro) -> Option<Punctuated<Expr, Token![,]>> {
    mac.parse_body_with(Punctuated::parse_terminated).ok()
}

/// Visits the arguments of a macro; gives `false` where there are none to visit, and the macro is
/// left as it was.
pub(crate) fn with_arguments(mac: &mut Macro, visitor: &mut impl VisitMut) -> bool {
    let Some(mut arguments) = arguments(mac) else { return false };
    arguments.iter_mut().for_each(|argument| format_argument(argument, visitor));
    mac.tokens = arguments.into_token_stream();
    true
}

fn format_argument(argument: &mut Expr, visitor: &mut impl VisitMut) {
    match argument {
        // `name = value` of a format macro: the name is no place.
        Expr::Assign(assign) => visitor.visit_expr_mut(&mut assign.right),
        other => visitor.visit_expr_mut(other),
    }
}

/// Visits the futures, conditions and handlers of a `select!`; gives `false` where there are none to
/// visit, and the macro is left as it was.
pub(crate) fn with_branches(mac: &mut Macro, visitor: &mut impl VisitMut) -> bool {
    mac.path.segments.last().is_some_and(|last| last.ident == "select")
        && with_parts(mac, branches, visitor)
}

/// Visits all code in a macro whose syntax is known; gives `false` where it is not, where the text of
/// that code is printed, or where there is none. The macro is left as it was then.
pub(crate) fn with_code(mac: &mut Macro, visitor: &mut impl VisitMut) -> bool {
    if with_arguments(mac, visitor) {
        return true;
    }
    let name = mac.path.segments.last().map(|last| last.ident.to_string());
    let read: fn(ParseStream<'_>, &mut Parts) -> Result<()> = match name.as_deref() {
        Some("select" | "select_biased") => branches,
        Some("matches") => scrutinee,
        Some("vec" | "smallvec" | "arrayvec") => elements,
        Some("cfg_if") => conditions,
        Some("assert" | "debug_assert") => assertion,
        _ => return false,
    };
    with_parts(mac, read, visitor)
}

/// What a macro's arguments are made of, in the order of the source.
#[derive(Default)]
struct Parts(Vec<Part>);

enum Part {
    /// Of the macro's own syntax.
    Tokens(TokenStream),
    Expr(Box<Expr>),
    Block(Block),
    FormatArgument(Box<Expr>),
}

impl Parts {
    fn keep<T: Parse + ToTokens>(&mut self, input: ParseStream<'_>) -> Result<()> {
        self.0.push(Part::Tokens(input.parse::<T>()?.into_token_stream()));
        Ok(())
    }

    fn pattern(&mut self, input: ParseStream<'_>) -> Result<()> {
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        self.0.push(Part::Tokens(pattern.into_token_stream()));
        Ok(())
    }

    fn expr(&mut self, input: ParseStream<'_>) -> Result<()> {
        self.0.push(Part::Expr(input.parse()?));
        Ok(())
    }

    fn block(&mut self, input: ParseStream<'_>) -> Result<()> {
        self.0.push(Part::Block(input.parse()?));
        Ok(())
    }
}

fn with_parts(
    mac: &mut Macro,
    read: fn(ParseStream<'_>, &mut Parts) -> Result<()>,
    visitor: &mut impl VisitMut,
) -> bool {
    let parser = |input: ParseStream<'_>| {
        let mut parts = Parts::default();
        read(input, &mut parts).map(|()| parts)
    };
    // All is read before anything is visited: a visitor counts what it meets.
    let Ok(parts) = parser.parse2(mac.tokens.clone()) else { return false };
    let mut tokens = TokenStream::new();
    for part in parts.0 {
        match part {
            Part::Tokens(kept) => kept.to_tokens(&mut tokens),
            Part::Expr(mut expr) => {
                visitor.visit_expr_mut(&mut expr);
                expr.to_tokens(&mut tokens);
            }
            Part::Block(mut block) => {
                visitor.visit_block_mut(&mut block);
                block.to_tokens(&mut tokens);
            }
            Part::FormatArgument(mut argument) => {
                format_argument(&mut argument, visitor);
                argument.to_tokens(&mut tokens);
            }
        }
    }
    mac.tokens = tokens;
    true
}

/// tokio's and futures' `select!`: `biased; pattern = future, if condition => handler, else => ..`.
fn branches(input: ParseStream<'_>, parts: &mut Parts) -> Result<()> {
    if input.peek(Ident) && input.peek2(Token![;]) {
        parts.keep::<Ident>(input)?;
        parts.keep::<Token![;]>(input)?;
    }
    while !input.is_empty() {
        if input.peek(Token![else]) {
            parts.keep::<Token![else]>(input)?;
        } else if input.peek(Ident) && input.peek2(Token![=>]) {
            // futures' `complete => ..` and `default => ..`.
            parts.keep::<Ident>(input)?;
        } else {
            parts.pattern(input)?;
            parts.keep::<Token![=]>(input)?;
            parts.expr(input)?;
            if input.peek(Token![,]) {
                parts.keep::<Token![,]>(input)?;
                parts.keep::<Token![if]>(input)?;
                parts.expr(input)?;
            }
        }
        parts.keep::<Token![=>]>(input)?;
        // A block ends its branch without a comma, as in `match`.
        if input.peek(syn::token::Brace) {
            parts.block(input)?;
        } else {
            parts.expr(input)?;
        }
        parts.keep::<Option<Token![,]>>(input)?;
    }
    Ok(())
}

/// `matches!(value, pattern if guard)`.
fn scrutinee(input: ParseStream<'_>, parts: &mut Parts) -> Result<()> {
    parts.expr(input)?;
    parts.keep::<Token![,]>(input)?;
    parts.pattern(input)?;
    if input.peek(Token![if]) {
        parts.keep::<Token![if]>(input)?;
        parts.expr(input)?;
    }
    parts.keep::<Option<Token![,]>>(input)
}

/// `vec![value; count]`, and the lists of those that are like it.
fn elements(input: ParseStream<'_>, parts: &mut Parts) -> Result<()> {
    while !input.is_empty() {
        parts.expr(input)?;
        if input.peek(Token![;]) {
            parts.keep::<Token![;]>(input)?;
        } else if !input.is_empty() {
            parts.keep::<Token![,]>(input)?;
        }
    }
    Ok(())
}

/// `cfg_if! { if #[cfg(..)] { .. } else if #[cfg(..)] { .. } else { .. } }`.
fn conditions(input: ParseStream<'_>, parts: &mut Parts) -> Result<()> {
    while !input.is_empty() {
        parts.keep::<Option<Token![else]>>(input)?;
        if input.peek(Token![if]) {
            parts.keep::<Token![if]>(input)?;
            for attribute in input.call(Attribute::parse_outer)? {
                parts.0.push(Part::Tokens(attribute.into_token_stream()));
            }
        }
        parts.block(input)?;
    }
    Ok(())
}

/// `assert!(condition, "..", arguments)`: with words of its own, it does not print the condition.
fn assertion(input: ParseStream<'_>, parts: &mut Parts) -> Result<()> {
    parts.expr(input)?;
    parts.keep::<Token![,]>(input)?;
    if input.is_empty() {
        return Err(input.error("no words"));
    }
    while !input.is_empty() {
        parts.0.push(Part::FormatArgument(input.parse()?));
        parts.keep::<Option<Token![,]>>(input)?;
    }
    Ok(())
}
