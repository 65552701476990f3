//! What a block ends with: each leaf of its tail is marked, not the tail as a whole, so that types
//! flow into it as before and nothing of it becomes unreachable.

use backstop_rules::macros_known::{MacroKind, macro_kind};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::punctuated::Pair;
use syn::spanned::Spanned as _;
use syn::token::Paren;
use syn::visit_mut::VisitMut as _;
use syn::{Attribute, Expr, ExprTuple, PathArguments, Stmt, Token, Type};

use super::analyze::defer;
use super::expand::{Expander, Kind, Suspicion};
use super::marks::Flags;
use crate::paths::{self, hidden};
use crate::syntax::{call, diverges, is_block_like, last_span, reaching, verbatim};

/// How the values that a function returns are judged.
pub(super) enum Value {
    /// By the verdict in this hidden local.
    Judged { verdict: Ident, unit: bool, ty: Box<Type> },
    /// `impl Trait`: of no type that has an error side as far as anyone may know.
    Opaque,
    /// The function never returns.
    Never,
}

/// What is left where a block ends.
#[derive(Clone)]
pub(super) enum End {
    /// Nothing that holds guards.
    None,
    /// These blocks, and the function goes on.
    Block(Flags),
    /// The function.
    Function,
}

impl End {
    /// The same end, seen from inside a block with guards of its own; `all` are the flags of every
    /// guarded block around.
    pub(super) fn with(self, all: Flags) -> Self {
        match self {
            Self::Function => Self::Function,
            Self::None => Self::Block(all.take(1)),
            Self::Block(outer) => Self::Block(all.take(outer.len() + 1)),
        }
    }
}

/// Where a leaf stands.
#[derive(Clone, Copy)]
enum Position {
    /// At the end of a block, where an attribute may stand on it.
    Tail,
    Operand,
}

impl Expander<'_> {
    fn flags_at(&self, end: &End) -> Flags {
        match end {
            End::None => Flags::default(),
            End::Block(flags) => flags.clone(),
            End::Function => self.frames.all(),
        }
    }

    /// The index of the first statement that may be the block's tail; `usize::MAX` without one.
    ///
    /// Of `#[cfg(unix)] {..} #[cfg(not(unix))] {..}` each may be: `cfg` is evaluated after this.
    pub(super) fn tail_start(&self, stmts: &[Stmt], end: &End) -> usize {
        if matches!(end, End::None) && self.frames.all().is_empty() {
            return usize::MAX;
        }
        let run = stmts.iter().rev().take_while(|stmt| is_tail(stmt) && has_cfg(stmt)).count();
        match stmts.last() {
            Some(last) if is_tail(last) => stmts.len() - run.max(1),
            _ => usize::MAX,
        }
    }

    /// Rewrites a statement that may be the tail of its block.
    pub(super) fn tail(&mut self, stmt: Stmt, end: &End, out: &mut Vec<Stmt>) {
        let mut expr = match stmt {
            Stmt::Expr(expr, None) => expr,
            // `mac! {}` at the end of a block is its tail, as an expression of its own.
            Stmt::Macro(stmt) => Expr::Macro(syn::ExprMacro { attrs: stmt.attrs, mac: stmt.mac }),
            other => return out.push(other),
        };
        let attrs = take_attrs(&mut expr);
        let place = expr.span();
        let suspicious = self.suspicious(|this| this.leaf_at(&mut expr, end, Position::Tail));
        if suspicious != Suspicion::None && !self.frames.all().is_empty() {
            // A condition, say: no leaf of its own could announce it. The other blocks around are
            // restored by the statement that this block stands in.
            let suspect = self.suspect(&self.frames.all(), suspicious);
            out.push(verbatim(quote_spanned!(hidden(place)=> let _ = #suspect;)));
            self.suspicious = self.suspicious.max(suspicious);
        }
        // Another member of the run may follow: it has to be a block to the parser.
        if attrs.iter().any(is_cfg) && !is_block_like(&expr) {
            expr = braced(expr.to_token_stream(), place);
        }
        out.push(if attrs.is_empty() {
            Stmt::Expr(expr, None)
        } else {
            verbatim(quote!(#(#attrs)* #expr))
        });
    }

    /// Rewrites an expression whose value leaves what `end` says.
    // Input:  if c { a? } else { b }
    // Output: if c { leave(F, verdict, (question(F, a)?,)) } else { leave(F, verdict, (b,)) }
    pub(super) fn leaf(&mut self, expr: &mut Expr, end: &End) {
        self.leaf_at(expr, end, Position::Operand);
    }

    fn leaf_at(&mut self, expr: &mut Expr, end: &End, position: Position) {
        match expr {
            Expr::Paren(paren) => return self.leaf(&mut paren.expr, end),
            Expr::Group(group) => return self.leaf(&mut group.expr, end),
            Expr::Block(block) if block.label.is_none() => {
                return self.block(&mut block.block, end);
            }
            Expr::Unsafe(block) => return self.block(&mut block.block, end),
            Expr::If(branch) if branch.else_branch.is_some() => {
                self.visit_expr_mut(&mut branch.cond);
                self.block(&mut branch.then_branch, end);
                if let Some((_, other)) = &mut branch.else_branch {
                    self.leaf(other, end);
                }
                return;
            }
            Expr::Match(expr) => {
                self.visit_expr_mut(&mut expr.expr);
                for arm in &mut expr.arms {
                    self.visit_pat_mut(&mut arm.pat);
                    self.leaf(&mut arm.body, end);
                }
                return;
            }
            _ => {}
        }
        let never = matches!((end, &self.value), (End::Function, Value::Never));
        let all = self.frames.all();
        if all.is_empty() || never || diverges(expr) || self.calls.never_returns(expr) {
            return self.visit_expr_mut(expr);
        }
        let flags = self.flags_at(end);
        // Of a `loop` one is sure only where it surely has no end.
        let may_diverge = self.calls.by_name(expr) || matches!(expr, Expr::Loop(_));
        if flags.is_empty() && !is_macro(expr) {
            // Nothing to mark, and the statement around announces what is suspicious in it.
            return self.visit_expr_mut(expr);
        }
        if matches!(expr, Expr::Closure(_)) {
            // Making a closure neither panics nor exits; wrapped in a call it would lose the
            // signature that `-> impl Fn(&T)` gives it.
            let span = hidden(expr.span());
            let mark = flags.success(self.runtime, span);
            *expr = Expr::Verbatim(quote_spanned!(span=> { #mark; #expr }));
            return;
        }
        // Generated braces are the user's own to the edition, whose rules they would change: when
        // the temporaries of a tail are dropped.
        let place = expr.span();
        let last = hidden(last_span(expr).unwrap_or(place));
        let needs_braces = is_statement_macro(expr);
        let suspicious = self.suspicious(|this| this.visit_expr_mut(expr));
        if flags.is_empty() && suspicious == Suspicion::None {
            return;
        }
        let span = hidden(expr.span());
        let judged = match (end, &self.value) {
            (End::Function, Value::Judged { verdict, ty, .. }) => Some((verdict, ty)),
            _ => None,
        };
        let inner = std::mem::replace(expr, Expr::PLACEHOLDER);
        // A macro may expand to statements, which only a block takes.
        let inner = match judged {
            Some(_) if suspicious != Suspicion::None => {
                let suspect = self.suspect(&flags, suspicious);
                braced(quote_spanned!(span=> let _ = #suspect; #inner), place)
            }
            // With a statement in them, rustc does not find the braces idle.
            _ if needs_braces => braced(quote_spanned!(span=> let _ = (); #inner), place),
            _ => inner,
        };
        // Not in a sync `leave`, which would cost a copy of a value that a call has made.
        let in_tuple = judged.is_none() || self.kind == Kind::Async;
        let pair = |inner| {
            Expr::Tuple(ExprTuple {
                attrs: Vec::new(),
                paren_token: Paren(last),
                elems: [Pair::Punctuated(inner, Token![,](last))].into_iter().collect(),
            })
        };
        let inner = if in_tuple { pair(inner) } else { inner };
        let array = flags.references(span);
        let call = match judged {
            Some((verdict, ty)) => {
                let args = vec![array, paths::expr(verdict.clone().into())];
                let mut leave = self.around(["leave", "leave_async"], args, inner, span);
                if self.kind == Kind::Async {
                    // The verdict, which would tell, stands behind the value.
                    expects(&mut leave, ty);
                }
                leave
            }
            None if suspicious != Suspicion::None => {
                let (left, suspect) = (flags.len(), self.suspect(&all, suspicious));
                let left = Expr::Verbatim(quote_spanned!(span=> #left));
                let args = vec![all.references(span), left, suspect, inner];
                call(self.runtime.private("ended_suspect", span), args, span)
            }
            None => self.around(["ended", "ended_async"], vec![array], inner, span),
        };
        let call = reaching(last, call);
        // An unknown macro may never return; then only this call of ours is not reached.
        if !(may_diverge || needs_braces) {
            *expr = call;
            return;
        }
        let allowed = quote_spanned!(span=> #[allow(unreachable_code)] #call);
        *expr = match position {
            Position::Tail => Expr::Verbatim(allowed),
            // Not alone: to the compiler these are the user's braces, which would be idle.
            Position::Operand => braced(quote_spanned!(span=> let _ = (); #allowed), place),
        };
    }

    /// The mark at the end of a block that has no tail.
    pub(super) fn end_without_tail(&self, end: &End, closing: Span) -> Option<Stmt> {
        let flags = self.flags_at(end);
        let returns_value =
            matches!(end, End::Function) && !matches!(self.value, Value::Judged { unit: true, .. });
        // A function with a value has no tail only where its end is not reached.
        if flags.is_empty() || returns_value {
            return None;
        }
        let span = hidden(closing);
        let mark = flags.success(self.runtime, closing);
        Some(verbatim(quote_spanned!(span=> #[allow(unreachable_code)] #mark;)))
    }
}

/// Says what type a call's value is expected to have.
// Input:  leave_async(e, ..)
// Output: leave_async::<R, _>(e, ..)
fn expects(call: &mut Expr, ty: &Type) {
    let Expr::Call(call) = call else { return };
    let Expr::Path(callee) = &mut *call.func else { return };
    if let Some(last) = callee.path.segments.last_mut() {
        last.arguments = PathArguments::AngleBracketed(syn::parse_quote!(::<#ty, _>));
    }
}

/// `{ .. }`, with braces of the user's.
fn braced(stmts: TokenStream, place: Span) -> Expr {
    let mut group = Group::new(Delimiter::Brace, stmts);
    group.set_span(place);
    Expr::Verbatim(TokenTree::Group(group).into())
}

fn is_tail(stmt: &Stmt) -> bool {
    match stmt {
        // A guard, which ends nothing.
        _ if defer(stmt).is_some() => false,
        Stmt::Expr(_, semi) => semi.is_none(),
        Stmt::Macro(stmt) => stmt.semi_token.is_none(),
        Stmt::Local(_) | Stmt::Item(_) => false,
    }
}

fn has_cfg(stmt: &Stmt) -> bool {
    backstop_rules::statement_attrs(stmt).iter().any(is_cfg)
}

pub(super) fn is_cfg(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
}

fn take_attrs(expr: &mut Expr) -> Vec<Attribute> {
    let mut stmt = Stmt::Expr(std::mem::replace(expr, Expr::PLACEHOLDER), None);
    let attrs =
        backstop_rules::statement_attrs_mut(&mut stmt).map(std::mem::take).unwrap_or_default();
    if let Stmt::Expr(back, None) = stmt {
        *expr = back;
    }
    attrs
}

fn is_macro(expr: &Expr) -> bool {
    matches!(expr, Expr::Macro(_))
}

fn is_statement_macro(expr: &Expr) -> bool {
    matches!(expr, Expr::Macro(expr) if !matches!(
        macro_kind(&expr.mac.path),
        MacroKind::Arguments | MacroKind::Stringifies | MacroKind::Known
    ))
}
