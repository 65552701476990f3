//! Asks the compiler about every call in a body whether it returns.
//!
//! rustc knows what no list of names can: which calls are of type `!` or of an uninhabited type.
//! A marker after the call is unreachable exactly then, and carries `#[deny(unreachable_code)]`.

use backstop_rules::{Allows, statement_attrs};
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::quote_spanned;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::token::Paren;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Arm, Block, Expr, ExprAwait, ExprCall, ExprField, ExprMethodCall, ExprTuple, GenericArgument,
    Ident, Index, Item, Member, Pat, Stmt, Token, UnOp,
};

use super::analyze::Calls;
use crate::paths::{self, Runtime, hidden};
use crate::syntax::{last_span, verbatim};

pub(crate) const RULE: &str = "diverging_call";

pub(crate) const REASON: &str = "this call never returns and is not known to unwind: where it ends the process, no \
                      destructor runs\nhelp: return an error; or, if it panics, say so with \
                      `unwinds(path::to::it)` in the attribute";

/// Marks every call of the body that `calls` does not know.
// Input:  let a = f(&g()); h();
// Output: let a = checked_call((f(&(g(), MARKER).0), MARKER)); h(); MARKER;
pub(crate) fn expand(block: &mut Block, calls: &Calls<'_>, allows: &mut Allows, runtime: &Runtime) {
    Marker::new(calls, allows, runtime).visit_block_mut(block);
}

/// Marks every call of one expression that stands outside the body: a cleanup.
pub(crate) fn expand_expr(expr: &mut Expr, calls: &Calls<'_>, runtime: &Runtime) {
    Marker::new(calls, &mut Allows::default(), runtime).cleanup(expr);
}

impl<'a> Marker<'a> {
    fn new(calls: &'a Calls<'a>, allows: &'a mut Allows, runtime: &'a Runtime) -> Self {
        // Where "the lint level is defined" is the attribute.
        let span = Span::call_site();
        let deny = quote_spanned!(span=> #[deny(unreachable_code, reason = #REASON)]);
        Self { deny, calls, allows, runtime, is_const: false, count: 0 }
    }
}

pub(super) struct Marker<'a> {
    /// What every marker begins with.
    deny: TokenStream,
    calls: &'a Calls<'a>,
    allows: &'a mut Allows,
    pub(super) runtime: &'a Runtime,
    /// Whether what is visited is evaluated while compiling.
    is_const: bool,
    /// How many calls were marked.
    pub(super) count: usize,
}

/// How the marker follows the call.
#[derive(Clone, Copy)]
enum Form {
    /// `checked_call((CALL, MARKER))`, which keeps the expected type; or, where that decides about
    /// nothing in the call, `CheckedCall(CALL, MARKER).value()`: that the call is of another type is
    /// then found where it would be without this.
    Call,
    /// `checked_call((CALL, MARKER))`, before another method.
    Receiver,
    /// `(CALL, MARKER).0`: keeps coercions through `&`, and its temporaries live as long.
    Tuple,
}

impl Marker<'_> {
    /// The span of the callee's name, if this call is to be marked.
    fn marks(&mut self, expr: &Expr) -> Option<Span> {
        let (unknown, span) = match expr {
            Expr::Call(call) => (self.calls.unknown(call), callee_span(&call.func)),
            Expr::MethodCall(call) => (self.calls.unknown_method(call), call.method.span()),
            Expr::Await(expr) => return self.marks_await(expr),
            _ => return None,
        };
        self.marked(unknown, span)
    }

    fn marked(&mut self, unknown: bool, span: Span) -> Option<Span> {
        let marked = unknown && !self.allows.allows(RULE);
        self.count += usize::from(marked);
        marked.then_some(span)
    }

    /// An `async fn` of type `!` never returns where it is awaited.
    fn marks_await(&mut self, expr: &ExprAwait) -> Option<Span> {
        match &*expr.base {
            base @ (Expr::Call(_) | Expr::MethodCall(_)) => self.marks(base),
            _ => self.marked(true, expr.await_token.span()),
        }
    }

    fn marker(&self, span: Span) -> Expr {
        let mut unit = Group::new(Delimiter::Parenthesis, TokenStream::new());
        unit.set_span(span);
        let mut tokens = self.deny.clone();
        tokens.extend([TokenTree::Group(unit)]);
        Expr::Verbatim(tokens)
    }

    fn wrap(&self, expr: &mut Expr, form: Form, span: Span) {
        let mut call = std::mem::replace(expr, Expr::PLACEHOLDER);
        // Those of a tail are its statement's.
        let attrs = match &mut call {
            Expr::Call(call) => std::mem::take(&mut call.attrs),
            Expr::MethodCall(call) => std::mem::take(&mut call.attrs),
            Expr::Await(expr) => std::mem::take(&mut expr.attrs),
            _ => Vec::new(),
        };
        let expects = matches!(form, Form::Receiver) || expects(&call);
        // The user's own spans, of the first token and the last: an error, a lint or a panic that
        // is about this is about the call.
        let (start, end) = (call.span(), last_span(&call).unwrap_or(span));
        let tuple = |elems, place| {
            Expr::Tuple(ExprTuple { attrs: Vec::new(), paren_token: Paren(place), elems })
        };
        let function = |name, args| ExprCall {
            attrs: Vec::new(),
            func: Box::new(paths::expr(self.runtime.private(name, start))),
            paren_token: Paren(end),
            args,
        };
        let elements: Punctuated<Expr, _> = [call, self.marker(span)].into_iter().collect();
        *expr = match form {
            Form::Call | Form::Receiver if self.is_const => {
                Expr::Call(ExprCall { attrs, ..function("checked_const_call", elements) })
            }
            Form::Call | Form::Receiver if expects => {
                let args = [tuple(elements, end)].into_iter().collect();
                Expr::Call(ExprCall { attrs, ..function("checked_call", args) })
            }
            Form::Call | Form::Receiver => Expr::MethodCall(ExprMethodCall {
                attrs,
                receiver: Box::new(Expr::Call(function("CheckedCall", elements))),
                dot_token: Token![.](end),
                method: Ident::new("value", end),
                turbofish: None,
                paren_token: Paren(end),
                args: Punctuated::new(),
            }),
            Form::Tuple => Expr::Field(ExprField {
                attrs,
                base: Box::new(tuple(elements, start)),
                dot_token: Token![.](end),
                member: Member::Unnamed(Index { index: 0, span: end }),
            }),
        };
    }

    fn children(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Call(call) => {
                // A path is no call, and wrapping what it leads to would change its type.
                if !matches!(*call.func, Expr::Path(_)) {
                    self.visit_expr_mut(&mut call.func);
                }
                call.args.iter_mut().for_each(|argument| self.visit_expr_mut(argument));
            }
            Expr::MethodCall(call) => {
                self.operand(&mut call.receiver, Some(Form::Receiver));
                if let Some(turbofish) = &mut call.turbofish {
                    self.visit_angle_bracketed_generic_arguments_mut(turbofish);
                }
                call.args.iter_mut().for_each(|argument| self.visit_expr_mut(argument));
            }
            // A future is made by a call that returns.
            Expr::Await(expr) => self.operand(&mut expr.base, None),
            other => visit_mut::visit_expr_mut(self, other),
        }
    }

    /// Visits what is evaluated while compiling.
    fn constant(&mut self, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.is_const, true);
        visit(self);
        self.is_const = outer;
    }

    /// Visits what a cleanup ends with. Nothing expects a type of it, so that the type of a call of
    /// ours would be left open where the user's never returns.
    fn cleanup(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Block(block) if block.label.is_none() => {
                let is_tail = matches!(block.block.stmts.last(), Some(Stmt::Expr(_, None)));
                let mut tail = if is_tail { block.block.stmts.pop() } else { None };
                self.visit_block_mut(&mut block.block);
                if let Some(stmt) = &mut tail {
                    let place = self.allows.enter(statement_attrs(stmt));
                    if let Stmt::Expr(expr, _) = stmt {
                        self.cleanup(expr);
                    }
                    self.allows.leave(place);
                }
                block.block.stmts.extend(tail);
            }
            other => self.operand(other, Some(Form::Tuple)),
        }
    }

    /// Visits an operand whose call takes another form than the usual one, or none.
    fn operand(&mut self, operand: &mut Expr, form: Option<Form>) {
        match operand {
            Expr::Paren(paren) => self.operand(&mut paren.expr, form),
            Expr::Group(group) => self.operand(&mut group.expr, form),
            Expr::Call(_) | Expr::MethodCall(_) | Expr::Await(_) => {
                let span = form.and_then(|_| self.marks(operand));
                self.children(operand);
                if let (Some(form), Some(span)) = (form, span) {
                    self.wrap(operand, form, span);
                }
            }
            other => self.visit_expr_mut(other),
        }
    }
}

impl VisitMut for Marker<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Call(_) | Expr::MethodCall(_) | Expr::Await(_) => {
                self.operand(expr, Some(Form::Call));
            }
            Expr::Reference(reference) => self.operand(&mut reference.expr, Some(Form::Tuple)),
            Expr::Unary(unary) => {
                let form = match unary.op {
                    UnOp::Not(_) | UnOp::Neg(_) => Form::Tuple,
                    _ => Form::Call,
                };
                self.operand(&mut unary.expr, Some(form));
            }
            // It takes no value of type `!`.
            Expr::Try(base) => self.operand(&mut base.expr, None),
            Expr::Assign(assign) => {
                // The left side may be a pattern, in which a call is a constructor.
                self.visit_expr_mut(&mut assign.right);
            }
            Expr::Macro(_) => self.macro_expression(expr),
            Expr::Const(constant) => {
                self.constant(|this| this.visit_block_mut(&mut constant.block));
            }
            Expr::Repeat(repeat) => {
                self.visit_expr_mut(&mut repeat.expr);
                self.constant(|this| this.visit_expr_mut(&mut repeat.len));
            }
            other => visit_mut::visit_expr_mut(self, other),
        }
    }

    fn visit_generic_argument_mut(&mut self, argument: &mut GenericArgument) {
        if let GenericArgument::Const(value) = argument {
            self.constant(|this| this.visit_expr_mut(value));
        }
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        let mut stmts = Vec::with_capacity(block.stmts.len());
        for mut stmt in std::mem::take(&mut block.stmts) {
            let place = self.allows.enter(statement_attrs(&stmt));
            // A statement that is a call keeps its shape, and the marker follows it.
            let follows = match &mut stmt {
                Stmt::Expr(
                    call @ (Expr::Call(_) | Expr::MethodCall(_) | Expr::Await(_)),
                    Some(_),
                ) => {
                    let span = self.marks(call);
                    self.children(call);
                    span
                }
                Stmt::Macro(stmt) => {
                    stmts.extend(self.macro_call(&mut stmt.mac).map(verbatim));
                    None
                }
                other => {
                    visit_mut::visit_stmt_mut(self, other);
                    None
                }
            };
            self.allows.leave(place);
            stmts.push(stmt);
            if let Some(span) = follows {
                // A statement of the macro's own to clippy, which would find it without effect.
                stmts.push(Stmt::Expr(self.marker(hidden(span)), Some(Token![;](span))));
            }
        }
        block.stmts = stmts;
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        let place = self.allows.enter(&arm.attrs);
        visit_mut::visit_arm_mut(self, arm);
        self.allows.leave(place);
    }

    // Items in a body are not the body's.
    fn visit_item_mut(&mut self, _: &mut Item) {}

    // Of patterns, only the guard of an arm is code of the body's.
    fn visit_pat_mut(&mut self, pat: &mut Pat) {
        if let Pat::Guard(guarded) = pat {
            self.visit_expr_mut(&mut guarded.guard);
        }
    }
    fn visit_type_mut(&mut self, _: &mut syn::Type) {}
}

/// Whether the type that is expected of a call decides about its arguments: how they are coerced,
/// and what the parameters of closures are.
fn expects(call: &Expr) -> bool {
    match call {
        Expr::Call(call) => !call.args.iter().all(is_literal),
        Expr::MethodCall(call) => !call.args.iter().all(is_literal),
        _ => false,
    }
}

fn is_literal(expr: &Expr) -> bool {
    matches!(expr, Expr::Lit(_))
}

fn callee_span(callee: &Expr) -> Span {
    match callee {
        Expr::Path(path) => {
            path.path.segments.last().map_or_else(|| path.span(), |s| s.ident.span())
        }
        other => other.span(),
    }
}
