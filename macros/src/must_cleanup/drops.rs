//! `drop(name)` of a guarded name runs its cleanup.

use backstop_rules::Imports;
use quote::quote_spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ExprCall, Path};

use crate::paths::{Runtime, hidden};
use crate::syntax::peel;

/// Rewrites each `drop(name)` of one of these names, in closures too. Whether the name still is
/// the handle's there is decided by its type.
// Input:  drop(conn)
// Output: { use DroppedOther as _; dropped(conn).now() }
pub(super) fn expand(body: &mut Block, names: &[String], imports: &Imports, runtime: &Runtime) {
    if !names.is_empty() {
        Drops { names, imports, runtime }.visit_block_mut(body);
    }
}

struct Drops<'a> {
    names: &'a [String],
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

    fn drops_guard(&self, call: &ExprCall) -> bool {
        let Expr::Path(callee) = peel(&call.func) else { return false };
        let Some(Expr::Path(argument)) = call.args.first().map(peel) else { return false };
        call.args.len() == 1
            && self.names.iter().any(|name| argument.path.is_ident(name))
            && self.is_drop(&callee.path)
    }
}

impl VisitMut for Drops<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Call(call) if self.drops_guard(call) => {
                let place = call.paren_token.span.open();
                let span = hidden(place);
                let dropped = self.runtime.private("dropped", span);
                let other = self.runtime.private("DroppedOther", span);
                let args = &call.args;
                *expr = Expr::Verbatim(
                    quote_spanned!(span=> { use #other as _; #dropped(#args).now() }),
                );
            }
            other => visit_mut::visit_expr_mut(self, other),
        }
    }

    fn visit_item_mut(&mut self, _: &mut syn::Item) {}
}
