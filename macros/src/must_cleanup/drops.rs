//! `drop(name)` of a guarded name runs its cleanup.

use backstop_rules::Imports;
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ExprCall, Path, PathArguments, Token};

use super::analyze::own_exits;

use crate::paths::{Runtime, hidden};
use crate::syntax::peel;

/// Rewrites each `drop(name)` of one of these names, in closures too. Whether the name still is
/// the handle's there is decided by its type.
// Input:  drop(conn)
// Output: { use DroppedOther as _; dropped(conn).now() }
///
/// One with an `async` cleanup is awaited there, where the function itself can: in a closure of its
/// own it is handed over.
// Output: ({ use DroppedOther as _; dropped(conn).awaited() }).await
pub(super) fn expand(body: &mut Block, names: &[Name], imports: &Imports, runtime: &Runtime) {
    if !names.is_empty() {
        Drops { names, imports, runtime, inside: 0 }.visit_block_mut(body);
    }
}

/// A guarded name.
pub(super) struct Name {
    pub(super) name: String,
    /// Whether its cleanup is `async`.
    pub(super) awaited: bool,
}

struct Drops<'a> {
    /// How many closures and `async` blocks are around this place.
    inside: usize,
    names: &'a [Name],
    imports: &'a Imports,
    runtime: &'a Runtime,
}

impl Drops<'_> {
    fn is_drop(&self, path: &Path) -> bool {
        if let Some(path) = self.imports.resolve(path) {
            return path == "std::mem::drop";
        }
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        match names.as_slice() {
            [name] => name == "drop" && !self.imports.declares("drop"),
            [.., module, name] => module == "mem" && name == "drop",
            [] => false,
        }
    }

    /// Whether a guarded name is dropped; if so, whether its cleanup is to be awaited.
    fn drops_guard(&self, call: &ExprCall) -> Option<bool> {
        let Expr::Path(callee) = peel(&call.func) else { return None };
        let Some(Expr::Path(argument)) = call.args.first().map(peel) else { return None };
        if call.args.len() != 1 || !self.is_drop(&callee.path) {
            return None;
        }
        let mut named = self.names.iter().filter(|name| argument.path.is_ident(&name.name));
        let first = named.next()?;
        Some(first.awaited || named.any(|name| name.awaited))
    }
}

impl VisitMut for Drops<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let own_exits = own_exits(expr).is_some();
        self.inside += usize::from(own_exits);
        self.expr(expr);
        self.inside -= usize::from(own_exits);
    }

    fn visit_item_mut(&mut self, _: &mut syn::Item) {}
}

impl Drops<'_> {
    fn expr(&mut self, expr: &mut Expr) {
        let guard = match expr {
            Expr::Call(call) => self.drops_guard(call),
            _ => None,
        };
        match (expr, guard) {
            (expr @ Expr::Call(_), Some(awaited)) => {
                let Expr::Call(call) = &*expr else { return };
                let place = call.paren_token.span.open();
                let span = hidden(place);
                let dropped = self.runtime.private("dropped", span);
                let other = self.runtime.private("DroppedOther", span);
                let args = &call.args;
                let named = named(&call.func, span);
                *expr = match (awaited, self.inside) {
                    (false, _) => Expr::Verbatim(
                        quote_spanned!(span=> { #named use #other as _; #dropped(#args).now() }),
                    ),
                    (true, 0) => awaiting(
                        quote_spanned!(span=> { #named use #other as _; #dropped(#args).awaited() }),
                        span,
                    ),
                    (true, _) => Expr::Verbatim(
                        quote_spanned!(span=> { #named use #other as _; let _ = #dropped(#args).awaited(); }),
                    ),
                };
            }
            (other, _) => visit_mut::visit_expr_mut(self, other),
        }
    }
}

/// Names a `drop` that comes from an import, which would be unused.
// Input:  mem::drop
// Output: #[allow(unused_imports)] use mem::drop as _;
fn named(callee: &Expr, span: Span) -> Option<TokenStream> {
    let Expr::Path(callee) = peel(callee) else { return None };
    let mut path = callee.path.clone();
    path.segments.iter_mut().for_each(|segment| segment.arguments = PathArguments::None);
    // The prelude's is nobody's import.
    (!path.is_ident("drop"))
        .then(|| quote_spanned!(span=> #[allow(unused_imports)] use #path as _;))
}

/// `(BASE).await`
fn awaiting(base: TokenStream, span: Span) -> Expr {
    let base = Expr::Paren(syn::ExprParen {
        attrs: Vec::new(),
        paren_token: syn::token::Paren(span),
        expr: Box::new(Expr::Verbatim(base)),
    });
    Expr::Await(syn::ExprAwait {
        attrs: Vec::new(),
        base: Box::new(base),
        dot_token: Token![.](span),
        await_token: Token![await](span),
    })
}
