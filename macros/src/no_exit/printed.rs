//! Calls in the macros of a body; those in macros that print the text of what they evaluate, which
//! therefore must stay as it is.

use backstop_rules::macros_known::{MacroKind, macro_kind};
use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote_spanned};
use syn::spanned::Spanned as _;
use syn::token::Paren;
use syn::visit_mut::VisitMut as _;
use syn::{Expr, ExprField, ExprTuple, Index, Macro, Member, Token};

use super::expand::Marker;
use crate::macros::{list, with_code};
use crate::paths::hidden;
use crate::tokens::without_helpers;

impl Marker<'_> {
    // Input:  dbg!(f())
    // Output: ({ if false { .. } }, dbg!(f())).1
    pub(super) fn macro_expression(&mut self, expr: &mut Expr) {
        let Expr::Macro(inner) = &mut *expr else { return };
        let Some(copy) = self.macro_call(&mut inner.mac) else { return };
        // Those of a tail are its statement's.
        let attrs = std::mem::take(&mut inner.attrs);
        let span = inner.mac.path.span();
        // To the end: what rustc finds around this is around the macro.
        let end = inner.mac.delimiter.span().join();
        let copy = Expr::Verbatim(quote_spanned!(hidden(span)=> { #copy }));
        let printed = std::mem::replace(expr, Expr::PLACEHOLDER);
        *expr = Expr::Field(ExprField {
            attrs,
            base: Box::new(Expr::Tuple(ExprTuple {
                attrs: Vec::new(),
                paren_token: Paren(span),
                elems: [copy, printed].into_iter().collect(),
            })),
            dot_token: Token![.](end),
            member: Member::Unnamed(Index { index: 1, span: end }),
        });
    }

    /// Marks the calls in a macro. Where it prints their text, gives what has to stand before it: a
    /// copy with its calls marked, which never runs. What it moves is moved on no way that goes on.
    // Input:  assert!(f())
    // Output: if false { checked_call((CheckedCall(f(), MARKER).value(), ())); unreachable!() } assert!(f())
    pub(super) fn macro_call(&mut self, mac: &mut Macro) -> Option<TokenStream> {
        if with_code(mac, self) || macro_kind(&mac.path) != MacroKind::Stringifies {
            return None;
        }
        let mut copies = list(mac)?;
        let unmarked = self.count;
        copies.iter_mut().for_each(|copy| self.visit_expr_mut(copy));
        if self.count == unmarked {
            return None;
        }
        let span = hidden(mac.path.span());
        let checked = self.runtime.private("checked_call", span);
        let copies = copies.iter().map(|copy| without_helpers(copy.to_token_stream()));
        Some(quote_spanned! {span=>
            if false { #(#checked((#copies, ()));)* ::core::unreachable!() }
        })
    }
}
