//! A guarded name that is returned, which no type can allow: it borrows its hidden owner.

use backstop_rules::macros_known::{MacroKind, macro_kind};
use proc_macro2::Ident;
use quote::{format_ident, quote_spanned};
use syn::visit::Visit;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Arm, Block, Expr, ExprForLoop, ExprIf, ExprLet, ExprWhile, Item, Local, Pat, Stmt, StmtMacro,
};

use super::analyze::{is_cleanup, own_exits, single_name};
use super::leaves::is_cfg;
use crate::diagnostic::{Errors, message};
use crate::paths::{Runtime, hidden};
use crate::syntax::mentions;

/// Refuses each guarded name that leaves the function as (a part of) its value. The value itself
/// takes its place, so that the types are those that were meant.
// Input:  #[cleanup(EXPR)] let file = File::create(path)?; Ok(file)
// Output: #[cleanup(EXPR)] let file = File::create(path)?; Ok(Guard::dismiss(file))
pub(crate) fn refuse(body: &mut Block, runtime: &Runtime, errors: &mut Errors) {
    Returned { names: Vec::new(), runtime, errors }.block(body, true);
}

struct Returned<'a> {
    /// The names in scope that the body binds, and whether it guards them; the last one counts.
    names: Vec<(String, bool)>,
    runtime: &'a Runtime,
    errors: &'a mut Errors,
}

impl Returned<'_> {
    /// Forgets what `visit` binds.
    fn scope(&mut self, visit: impl FnOnce(&mut Self)) {
        let outer = self.names.len();
        visit(self);
        self.names.truncate(outer);
    }

    /// A pattern may name constants, too. Taken for bindings, they hide a guard at worst.
    fn bind(&mut self, pat: &Pat) {
        struct Names<'a>(&'a mut Vec<(String, bool)>);
        impl<'ast> Visit<'ast> for Names<'_> {
            fn visit_pat_ident(&mut self, name: &'ast syn::PatIdent) {
                self.0.push((name.ident.to_string(), false));
                syn::visit::visit_pat_ident(self, name);
            }
        }
        Names(&mut self.names).visit_pat(pat);
    }

    /// A block, which the function ends with or not.
    fn block(&mut self, block: &mut Block, is_end: bool) {
        self.scope(|this| {
            let last = block.stmts.len().saturating_sub(1);
            for (index, stmt) in block.stmts.iter_mut().enumerate() {
                match stmt {
                    Stmt::Expr(tail, None) if is_end && index == last => this.leaf(tail),
                    other => this.visit_stmt_mut(other),
                }
            }
        });
    }

    /// An expression whose value leaves the function.
    fn leaf(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Paren(paren) => self.leaf(&mut paren.expr),
            Expr::Block(block) => self.block(&mut block.block, true),
            Expr::Unsafe(block) => self.block(&mut block.block, true),
            Expr::If(branch) => self.branch(branch, true),
            Expr::Match(expr) => {
                self.visit_expr_mut(&mut expr.expr);
                for arm in &mut expr.arms {
                    self.arm(arm, true);
                }
            }
            Expr::Call(call) if is_constructor(&call.func) => {
                call.args.iter_mut().for_each(|argument| self.leaf(argument));
            }
            Expr::Tuple(tuple) => tuple.elems.iter_mut().for_each(|element| self.leaf(element)),
            Expr::Path(path) if path.attrs.is_empty() => {
                if let Some(name) = path.path.get_ident() {
                    if self.is_guarded(name) {
                        *expr = self.dismissed(&name.clone());
                    }
                }
            }
            other => self.visit_expr_mut(other),
        }
    }

    fn branch(&mut self, branch: &mut ExprIf, is_end: bool) {
        self.scope(|this| {
            this.visit_expr_mut(&mut branch.cond);
            this.block(&mut branch.then_branch, is_end);
        });
        match &mut branch.else_branch {
            Some((_, other)) if is_end => self.leaf(other),
            Some((_, other)) => self.visit_expr_mut(other),
            None => {}
        }
    }

    fn arm(&mut self, arm: &mut Arm, is_end: bool) {
        self.scope(|this| {
            this.bind(&arm.pat);
            this.visit_pat_mut(&mut arm.pat);
            if is_end { this.leaf(&mut arm.body) } else { this.visit_expr_mut(&mut arm.body) }
        });
    }

    fn is_guarded(&self, name: &Ident) -> bool {
        self.names
            .iter()
            .rev()
            .find(|(bound, _)| name == bound)
            .is_some_and(|(_, guarded)| *guarded)
    }

    fn dismissed(&mut self, name: &Ident) -> Expr {
        let wrong =
            format!("`{name}` stays guarded until its block ends, so it cannot be returned itself");
        let remedy = format!(
            "write `backstop::Guard::dismiss({name})` for the value, whose cleanup will not run then, \
             or `*{name}` for a copy"
        );
        self.errors.at(name, message(wrong, remedy));
        let span = hidden(name.span());
        let guard = self.runtime.public("Guard", span);
        let dismiss = format_ident!("dismiss", span = span);
        Expr::Verbatim(quote_spanned!(span=> #guard::#dismiss(#name)))
    }
}

impl VisitMut for Returned<'_> {
    fn visit_block_mut(&mut self, block: &mut Block) {
        self.block(block, false);
    }

    fn visit_local_mut(&mut self, local: &mut Local) {
        visit_mut::visit_local_mut(self, local);
        let attrs = &local.attrs;
        // Configured out, it guards nothing.
        let guards =
            local.init.is_some() && attrs.iter().any(is_cleanup) && !attrs.iter().any(is_cfg);
        match single_name(&local.pat) {
            Some(name) if guards => self.names.push((name.ident.to_string(), true)),
            _ => self.bind(&local.pat),
        }
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if own_exits(expr).is_some() {
            return;
        }
        match expr {
            Expr::Return(returned) => {
                if let Some(value) = &mut returned.expr {
                    self.leaf(value);
                }
            }
            Expr::If(branch) => self.branch(branch, false),
            other => visit_mut::visit_expr_mut(self, other),
        }
    }

    // A macro may bind the name that it is given.
    fn visit_stmt_macro_mut(&mut self, stmt: &mut StmtMacro) {
        if macro_kind(&stmt.mac.path) == MacroKind::Unknown {
            let bound: Vec<String> = self.names.iter().map(|(name, _)| name.clone()).collect();
            let given = |name: &String| mentions(stmt.mac.tokens.clone(), &[name]);
            self.names.extend(bound.into_iter().filter(given).map(|name| (name, false)));
        }
    }

    // Bound for what stands behind it in a condition, and for the block behind that.
    fn visit_expr_let_mut(&mut self, condition: &mut ExprLet) {
        visit_mut::visit_expr_let_mut(self, condition);
        self.bind(&condition.pat);
    }

    fn visit_expr_while_mut(&mut self, expr: &mut ExprWhile) {
        self.scope(|this| visit_mut::visit_expr_while_mut(this, expr));
    }

    fn visit_expr_for_loop_mut(&mut self, expr: &mut ExprForLoop) {
        self.visit_expr_mut(&mut expr.expr);
        self.scope(|this| {
            this.bind(&expr.pat);
            this.visit_block_mut(&mut expr.body);
        });
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        self.arm(arm, false);
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// Whether a call makes a value of std's that holds its argument.
fn is_constructor(callee: &Expr) -> bool {
    let Expr::Path(callee) = callee else { return false };
    let known = ["Ok", "Err", "Some", "Ready"];
    callee.path.segments.last().is_some_and(|last| known.iter().any(|name| last.ident == name))
}
