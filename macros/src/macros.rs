//! The arguments of macros whose syntax is known.

use backstop_rules::macros_known::{MacroKind, macro_kind};
use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::visit_mut::VisitMut;
use syn::{Block, Expr, Ident, Macro, Pat, Token};

/// The arguments of a macro, if they are a list of expressions and nobody prints their text.
pub(crate) fn arguments(mac: &Macro) -> Option<Punctuated<Expr, Token![,]>> {
    let is_list = match macro_kind(&mac.path) {
        MacroKind::Arguments | MacroKind::Diverges => true,
        // Its other form, `vec![x; n]`, is no list and stays as it is.
        _ => mac.path.segments.last().is_some_and(|last| last.ident == "vec"),
    };
    is_list.then(|| mac.parse_body_with(Punctuated::parse_terminated).ok()).flatten()
}

/// Visits the arguments of a macro; gives `false` where there are none to visit, and the macro is
/// left as it was.
pub(crate) fn with_arguments(mac: &mut Macro, visitor: &mut impl VisitMut) -> bool {
    let Some(mut arguments) = arguments(mac) else { return false };
    for argument in &mut arguments {
        match argument {
            // `name = value` of a format macro: the name is no place.
            Expr::Assign(assign) => visitor.visit_expr_mut(&mut assign.right),
            other => visitor.visit_expr_mut(other),
        }
    }
    mac.tokens = arguments.into_token_stream();
    true
}

/// Visits the futures, conditions and handlers of a `select!`; gives `false` where there are none to
/// visit, and the macro is left as it was.
pub(crate) fn with_branches(mac: &mut Macro, visitor: &mut impl VisitMut) -> bool {
    if mac.path.segments.last().is_none_or(|last| last.ident != "select") {
        return false;
    }
    let visited = |input: ParseStream<'_>| branches(input, visitor);
    let Ok(tokens) = visited.parse2(mac.tokens.clone()) else { return false };
    mac.tokens = tokens;
    true
}

/// tokio's and futures' `select!`: `biased; pattern = future, if condition => handler, else => ..`.
fn branches(input: ParseStream<'_>, visitor: &mut impl VisitMut) -> syn::Result<TokenStream> {
    let mut tokens = TokenStream::new();
    if input.peek(Ident) && input.peek2(Token![;]) {
        input.parse::<Ident>()?.to_tokens(&mut tokens);
        input.parse::<Token![;]>()?.to_tokens(&mut tokens);
    }
    let visited = |mut expr: Expr, tokens: &mut TokenStream, visitor: &mut _| {
        VisitMut::visit_expr_mut(visitor, &mut expr);
        expr.to_tokens(tokens);
    };
    while !input.is_empty() {
        if input.peek(Token![else]) {
            input.parse::<Token![else]>()?.to_tokens(&mut tokens);
        } else if input.peek(Ident) && input.peek2(Token![=>]) {
            // futures' `complete => ..` and `default => ..`.
            input.parse::<Ident>()?.to_tokens(&mut tokens);
        } else {
            Pat::parse_multi_with_leading_vert(input)?.to_tokens(&mut tokens);
            input.parse::<Token![=]>()?.to_tokens(&mut tokens);
            visited(input.parse()?, &mut tokens, visitor);
            if input.peek(Token![,]) {
                input.parse::<Token![,]>()?.to_tokens(&mut tokens);
                input.parse::<Token![if]>()?.to_tokens(&mut tokens);
                visited(input.parse()?, &mut tokens, visitor);
            }
        }
        input.parse::<Token![=>]>()?.to_tokens(&mut tokens);
        // A block ends its branch without a comma, as in `match`.
        if input.peek(syn::token::Brace) {
            let mut block: Block = input.parse()?;
            visitor.visit_block_mut(&mut block);
            block.to_tokens(&mut tokens);
        } else {
            visited(input.parse()?, &mut tokens, visitor);
        }
        input.parse::<Option<Token![,]>>()?.to_tokens(&mut tokens);
    }
    Ok(tokens)
}
