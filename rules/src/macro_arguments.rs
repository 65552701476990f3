//! The arguments of well-known macros as syntax.

use crate::macros_known::{MacroKind, macro_kind};
use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Block, Expr, Ident, Pat, Path, Result, Stmt, Token, braced};

/// What a macro's arguments turned out to be.
pub(crate) enum Parsed {
    /// Statements, in the order of the source; a list of expressions is one of statements. The
    /// patterns bind names in them.
    Syntax { patterns: Vec<Pat>, statements: Vec<Stmt> },
    /// Unknown, or not what the macro's name promises.
    Tokens(TokenStream),
}

/// Reads the arguments of the macro at `path`.
pub(crate) fn parse(path: &Path, tokens: TokenStream) -> Parsed {
    let name = path.segments.last().map(|last| crate::paths::name(&last.ident)).unwrap_or_default();
    let read: fn(ParseStream<'_>) -> Result<Parsed> = match (macro_kind(path), name.as_str()) {
        (MacroKind::Unknown, _) => return Parsed::Tokens(tokens),
        (_, "vec" | "smallvec" | "arrayvec") => elements,
        (_, "matches" | "assert_matches" | "debug_assert_matches") => scrutinee,
        (_, "select") => branches,
        (_, "cfg_if") => conditions,
        (_, "defer") => deferred,
        _ => expressions,
    };
    read.parse2(tokens.clone()).unwrap_or(Parsed::Tokens(tokens))
}

fn syntax(expressions: impl IntoIterator<Item = Expr>) -> Parsed {
    let statements = expressions.into_iter().map(|expr| Stmt::Expr(expr, None)).collect();
    Parsed::Syntax { patterns: Vec::new(), statements }
}

fn expressions(input: ParseStream<'_>) -> Result<Parsed> {
    Ok(syntax(Punctuated::<Expr, Token![,]>::parse_terminated(input)?))
}

/// `vec![a, b]`, `vec![a; n]`.
fn elements(input: ParseStream<'_>) -> Result<Parsed> {
    let Some(first) = (!input.is_empty()).then(|| input.parse::<Expr>()).transpose()? else {
        return Ok(syntax(None));
    };
    let mut all = vec![first];
    if input.parse::<Option<Token![;]>>()?.is_some() {
        all.push(input.parse()?);
    } else if input.parse::<Option<Token![,]>>()?.is_some() {
        all.extend(Punctuated::<Expr, Token![,]>::parse_terminated(input)?);
    }
    Ok(syntax(all))
}

/// `matches!(value, pattern if guard)`, `assert_matches!(value, pattern if guard, "..", args)`.
fn scrutinee(input: ParseStream<'_>) -> Result<Parsed> {
    let mut all = vec![input.parse::<Expr>()?];
    input.parse::<Token![,]>()?;
    let pattern = Pat::parse_multi_with_leading_vert(input)?;
    if input.parse::<Option<Token![if]>>()?.is_some() {
        all.push(input.parse()?);
    }
    if input.parse::<Option<Token![,]>>()?.is_some() {
        all.extend(Punctuated::<Expr, Token![,]>::parse_terminated(input)?);
    }
    let Parsed::Syntax { statements, .. } = syntax(all) else { return Err(input.error("")) };
    Ok(Parsed::Syntax { patterns: vec![pattern], statements })
}

/// tokio's and futures' `select!`: `biased; pattern = future, if condition => handler, else => ..`.
fn branches(input: ParseStream<'_>) -> Result<Parsed> {
    let (mut patterns, mut all) = (Vec::new(), Vec::new());
    if input.peek(Ident) && input.peek2(Token![;]) {
        input.parse::<Ident>()?;
        input.parse::<Token![;]>()?;
    }
    while !input.is_empty() {
        if input.parse::<Option<Token![else]>>()?.is_none()
            && !(input.peek(Ident) && input.peek2(Token![=>]))
        {
            patterns.push(Pat::parse_multi_with_leading_vert(input)?);
            input.parse::<Token![=]>()?;
            all.push(input.parse::<Expr>()?);
            if input.peek(Token![,]) {
                input.parse::<Token![,]>()?;
                input.parse::<Token![if]>()?;
                all.push(input.parse()?);
            }
        } else if input.peek(Ident) {
            // futures' `complete => ..` and `default => ..`.
            input.parse::<Ident>()?;
        }
        input.parse::<Token![=>]>()?;
        // A block ends its branch without a comma, as in `match`.
        if input.peek(syn::token::Brace) {
            let block: Block = input.parse()?;
            all.push(Expr::Block(syn::ExprBlock { attrs: Vec::new(), label: None, block }));
        } else {
            all.push(input.parse()?);
        }
        input.parse::<Option<Token![,]>>()?;
    }
    let Parsed::Syntax { statements, .. } = syntax(all) else { return Err(input.error("")) };
    Ok(Parsed::Syntax { patterns, statements })
}

/// `cfg_if! { if #[cfg(..)] { .. } else if #[cfg(..)] { .. } else { .. } }`.
fn conditions(input: ParseStream<'_>) -> Result<Parsed> {
    let mut statements = Vec::new();
    while !input.is_empty() {
        input.parse::<Option<Token![else]>>()?;
        if input.parse::<Option<Token![if]>>()?.is_some() {
            input.call(syn::Attribute::parse_outer)?;
        }
        let content;
        braced!(content in input);
        statements.extend(content.call(Block::parse_within)?);
    }
    Ok(Parsed::Syntax { patterns: Vec::new(), statements })
}

/// `defer! { statements }`, `defer!(on = failure, expression)`.
fn deferred(input: ParseStream<'_>) -> Result<Parsed> {
    let ahead = input.fork();
    if ahead.parse::<Ident>().is_ok() && ahead.peek(Token![=]) {
        return expressions(input);
    }
    Ok(Parsed::Syntax { patterns: Vec::new(), statements: input.call(Block::parse_within)? })
}

/// The expression of `#[cleanup(EXPR, key = value, ..)]`: the tokens up to the first `, key =`.
pub(crate) fn cleanup_expression(input: ParseStream<'_>) -> Result<Expr> {
    let expr = input.parse()?;
    // The keys are the attribute's business.
    input.parse::<TokenStream>()?;
    Ok(expr)
}
