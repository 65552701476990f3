//! Rewrites the expressions of a body that leave a block, or may: `?`, `return`, `break`, `continue`,
//! `.await`, and macros that may hide one of them.

use backstop_rules::macros_known::{MacroKind, macro_kind};
use proc_macro2::Span;
use quote::quote_spanned;
use syn::spanned::Spanned as _;
use syn::visit::Visit;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, Item, Macro, Pat, Stmt};

use super::analyze::own_exits;
use super::expand::{Expander, Kind, Suspicion};
use super::leaves::End;
use super::marks::{Frame, references};
use crate::macros::{with_arguments, with_branches};
use crate::paths::hidden;
use crate::syntax::{call, exit_token, last_span, mentions, reaching};

/// Whether a macro that hides no exit may hide an `.await`.
fn hides_await(mac: &Macro) -> bool {
    let waits = ["select", "select_biased", "join", "try_join"];
    mac.path.segments.last().is_some_and(|last| waits.iter().any(|name| last.ident == name))
        || mentions(mac.tokens.clone(), &["await"])
}

/// Whether each `.await` of a statement is one that [`Expander::await_`] sees.
pub(super) fn shows_awaits(stmt: &Stmt) -> bool {
    struct Hidden(bool);
    impl<'ast> Visit<'ast> for Hidden {
        fn visit_macro(&mut self, mac: &'ast Macro) {
            let is_known = !matches!(macro_kind(&mac.path), MacroKind::Exits | MacroKind::Unknown);
            self.0 |= !is_known || hides_await(mac);
        }
        fn visit_item(&mut self, _: &'ast Item) {}
    }
    let mut hidden = Hidden(false);
    hidden.visit_stmt(stmt);
    !hidden.0
}

impl Expander<'_> {
    /// What a future is while guarded statements are making something.
    // Output: created0.during(FUTURE)
    pub(super) fn during(&self, future: Expr, span: Span) -> Expr {
        // The outermost comes first: it decides whether the others go on.
        self.making.iter().rev().fold(future, |future, created| {
            Expr::Verbatim(quote_spanned!(hidden(span)=> #created.during(#future)))
        })
    }

    fn macro_(&mut self, mac: &mut Macro) {
        let parsed = |this: &mut Self, mac: &mut Macro| {
            this.macros += 1;
            let parsed =
                with_arguments(mac, this) || this.kind == Kind::Async && with_branches(mac, this);
            this.macros -= 1;
            parsed
        };
        let exits = match macro_kind(&mac.path) {
            MacroKind::Arguments | MacroKind::Diverges | MacroKind::Known => {
                !parsed(self, mac) && exit_token(&mac.tokens).is_some()
            }
            MacroKind::Stringifies => exit_token(&mac.tokens).is_some(),
            _ => true,
        };
        let hides = if exits {
            Suspicion::Exit
        } else if self.kind == Kind::Async && hides_await(mac) {
            Suspicion::Await
        } else {
            Suspicion::None
        };
        self.suspicious = self.suspicious.max(hides);
    }

    // Input:  e.await
    // Output: aw(e, &flag0).await, or aw(created0.during(e), &flag0).await
    fn await_(&mut self, expr: &mut syn::ExprAwait) {
        // A future that cannot be one is told at its first token, as without this.
        let span = expr.base.span();
        self.visit_expr_mut(&mut expr.base);
        let flags = self.frames.all();
        if flags.is_empty() || self.kind == Kind::Sync {
            return;
        }
        let base = match std::mem::replace(&mut *expr.base, Expr::PLACEHOLDER) {
            Expr::Paren(paren) if paren.attrs.is_empty() => *paren.expr,
            base => base,
        };
        let args = vec![self.during(base, span), flags.references(hidden(span))];
        *expr.base = call(self.runtime.private("aw", span), args, span);
    }

    fn target(&mut self, label: Option<&syn::Label>, is_loop: bool, visit: impl FnOnce(&mut Self)) {
        let label = label.map(|label| label.name.ident.clone());
        self.frames.push(Frame::Target { label, is_loop });
        visit(self);
        self.frames.pop();
    }

    // Input:  e?
    // Output: question(&flag0, e)?
    fn question(&mut self, expr: &mut syn::ExprTry) {
        // The whole expression's place reaches from its first token to the `?`, and is where a
        // conversion of the error says that it was called.
        let span = expr.expr.span();
        let last = last_span(&expr.expr).unwrap_or(span);
        self.visit_expr_mut(&mut expr.expr);
        let flags = self.frames.all();
        if flags.is_empty() {
            return;
        }
        let mut args = vec![flags.references(hidden(span))];
        let mut name = ["question", "question_async"];
        if !self.disarms.is_empty() {
            name = ["question_disarming", "question_disarming_async"];
            args.push(references(&self.disarms, hidden(span)));
        }
        // As an argument it needs no parentheses, and rustc would say so.
        let value = match std::mem::replace(&mut *expr.expr, Expr::PLACEHOLDER) {
            Expr::Paren(paren) if paren.attrs.is_empty() => *paren.expr,
            value => value,
        };
        *expr.expr = reaching(last, self.around(name, args, value, span));
    }

    // Input:  return e
    // Output: return leave(&flag0, verdict, e)
    fn return_(&mut self, expr: &mut syn::ExprReturn) {
        let flags = self.frames.all();
        let span = expr.return_token.span();
        match &mut expr.expr {
            Some(value) => {
                if flags.is_empty() {
                    self.visit_expr_mut(value);
                } else {
                    self.leaf(value, &End::Function);
                }
            }
            None if flags.is_empty() => {}
            None => {
                expr.expr = Some(Box::new(flags.success(self.runtime, span)));
            }
        }
    }

    /// A `break` or `continue`: going on in the function is a success of the blocks that it leaves.
    // Input:  continue 'outer
    // Output: { mark(&flag1); continue 'outer }
    fn jump(&mut self, expr: &mut Expr) {
        let (label, span) = match &mut *expr {
            Expr::Break(jump) => {
                if let Some(value) = &mut jump.expr {
                    let flags = self.frames.until(jump.label.as_ref());
                    if flags.is_empty() {
                        self.visit_expr_mut(value);
                    } else {
                        self.leaf(value, &End::Block(flags));
                    }
                    self.jump_out(expr);
                    return;
                }
                (jump.label.as_ref(), jump.break_token.span())
            }
            Expr::Continue(jump) => (jump.label.as_ref(), jump.continue_token.span()),
            _ => return,
        };
        let flags = self.frames.until(label);
        if flags.is_empty() {
            return;
        }
        let mark = flags.success(self.runtime, span);
        self.jump_out(expr);
        let jump = &*expr;
        *expr = Expr::Verbatim(quote_spanned!(hidden(span)=> { #mark; #jump }));
    }
}

impl VisitMut for Expander<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if own_exits(expr).is_some() {
            return;
        }
        match expr {
            Expr::Try(question) => {
                self.question(question);
                self.question_out(expr);
            }
            Expr::Await(expr) => self.await_(expr),
            Expr::Return(returned) => {
                self.return_(returned);
                self.return_out(expr);
            }
            Expr::Break(_) | Expr::Continue(_) => self.jump(expr),
            Expr::Macro(expr) => self.macro_(&mut expr.mac),
            Expr::Loop(expr) => {
                self.target(expr.label.as_ref(), true, |this| {
                    this.block(&mut expr.body, &End::None);
                });
            }
            Expr::While(expr) => self.target(expr.label.as_ref(), true, |this| {
                this.visit_expr_mut(&mut expr.cond);
                this.block(&mut expr.body, &End::None);
            }),
            Expr::ForLoop(expr) => {
                self.visit_expr_mut(&mut expr.expr);
                self.target(expr.label.as_ref(), true, |this| {
                    this.block(&mut expr.body, &End::None);
                });
            }
            Expr::Block(expr) if expr.label.is_some() => {
                self.target(expr.label.as_ref(), false, |this| {
                    this.block(&mut expr.block, &End::None);
                });
            }
            other => visit_mut::visit_expr_mut(self, other),
        }
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        self.block(block, &End::None);
    }

    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        match stmt {
            Stmt::Macro(stmt) => self.macro_(&mut stmt.mac),
            other => visit_mut::visit_stmt_mut(self, other),
        }
    }

    // Items in a body are not the body's.
    fn visit_item_mut(&mut self, _: &mut Item) {}
    fn visit_pat_mut(&mut self, pat: &mut Pat) {
        if let Pat::Guard(guarded) = pat {
            self.visit_expr_mut(&mut guarded.guard);
        }
    }
    fn visit_type_mut(&mut self, _: &mut syn::Type) {}
}
