//! The arguments of macros whose syntax is known.

use backstop_rules::macros_known::{MacroKind, macro_kind};
use quote::ToTokens as _;
use syn::punctuated::Punctuated;
use syn::visit_mut::VisitMut;
use syn::{Expr, Macro, Token};

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
