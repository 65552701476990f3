//! Whether anything leaves a loop.

use crate::catalogue::Group;
use crate::macro_arguments::{Parsed, parse};
use crate::macros_known::{MacroKind, kind_of};
use crate::paths::{self, Resolved, Target, segments, targets};
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Block, Expr, Label, Lifetime, Lit, Macro};

/// Whether the body contains something that leaves the loop: a `break`, `return`, `?`, `.await`
/// (a pending future can be dropped), a call that ends the function in its own way, or a macro
/// that may hide one. Closures, async blocks and items inside have exits of their own only.
pub(crate) fn is_left(label: Option<&Label>, body: &Block) -> bool {
    let own = label.map(|label| &label.name);
    let mut exits = Exits { own, depth: 0, labels: Vec::new(), found: false };
    exits.visit_block(body);
    exits.found
}

/// Whether the condition is the literal `true`.
pub(crate) fn is_true(condition: &Expr) -> bool {
    is_literal(condition, true)
}

/// Whether the condition is the literal `false`.
pub(crate) fn is_false(condition: &Expr) -> bool {
    is_literal(condition, false)
}

fn is_literal(condition: &Expr, value: bool) -> bool {
    match condition {
        Expr::Lit(expr) => matches!(&expr.lit, Lit::Bool(literal) if literal.value == value),
        Expr::Paren(expr) => is_literal(&expr.expr, value),
        Expr::Group(expr) => is_literal(&expr.expr, value),
        _ => false,
    }
}

struct Exits<'l> {
    /// The label of the loop in question.
    own: Option<&'l Lifetime>,
    /// Loops around the current place, inside the loop in question.
    depth: usize,
    /// Labels that are declared inside it.
    labels: Vec<Lifetime>,
    found: bool,
}

impl Exits<'_> {
    /// A jump to a label that is not declared inside goes to this loop or further out.
    fn goes_out(&self, label: &Lifetime) -> bool {
        !self.labels.iter().any(|inner| inner.ident == label.ident)
    }

    fn inside(&mut self, label: Option<&Label>, visit: impl FnOnce(&mut Self)) {
        let before = self.labels.len();
        self.labels.extend(label.map(|label| label.name.clone()));
        visit(self);
        self.labels.truncate(before);
    }
}

impl<'ast> Visit<'ast> for Exits<'_> {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        if self.found {
            return;
        }
        match expr {
            Expr::Return(_) | Expr::Try(_) | Expr::Await(_) | Expr::Yield(_) => self.found = true,
            Expr::Verbatim(tokens) => self.found = mentions_exit(tokens.clone()),
            Expr::Break(expr) => {
                self.found = match &expr.label {
                    Some(label) => self.goes_out(label),
                    None => self.depth == 0,
                };
                visit::visit_expr_break(self, expr);
            }
            // To the loop's own label it only starts the next turn.
            Expr::Continue(expr) => {
                self.found |= expr.label.as_ref().is_some_and(|label| {
                    self.goes_out(label) && self.own.is_none_or(|own| own.ident != label.ident)
                });
            }
            Expr::Closure(_) | Expr::Async(_) | Expr::Const(_) => {}
            Expr::Loop(expr) => self.inside(expr.label.as_ref(), |exits| {
                exits.depth += 1;
                exits.visit_block(&expr.body);
                exits.depth -= 1;
            }),
            Expr::While(expr) => {
                // A `break` in the condition is the inner loop's, too.
                self.inside(expr.label.as_ref(), |exits| {
                    exits.depth += 1;
                    exits.visit_expr(&expr.cond);
                    exits.visit_block(&expr.body);
                    exits.depth -= 1;
                });
            }
            Expr::ForLoop(expr) => {
                self.visit_expr(&expr.expr);
                self.inside(expr.label.as_ref(), |exits| {
                    exits.depth += 1;
                    exits.visit_block(&expr.body);
                    exits.depth -= 1;
                });
            }
            Expr::Block(expr) => {
                self.inside(expr.label.as_ref(), |exits| exits.visit_block(&expr.block));
            }
            Expr::Call(call) => {
                self.found = crate::receivers::callee(&call.func)
                    .is_some_and(|path| ends_the_function(&segments(&path.path)));
                visit::visit_expr_call(self, call);
            }
            expr => visit::visit_expr(self, expr),
        }
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        let name = mac.path.segments.last().map(|last| paths::name(&last.ident));
        if name.is_none_or(|name| may_exit(&name)) {
            self.found = true;
            return;
        }
        match parse(&mac.path, mac.tokens.clone()) {
            Parsed::Tokens(tokens) => self.found |= mentions_exit(tokens),
            Parsed::Syntax { patterns: _, statements } => {
                for statement in &statements {
                    self.visit_stmt(statement);
                }
            }
        }
    }

    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

/// A call that the exit rules or the panic rules know by name.
fn ends_the_function(names: &[String]) -> bool {
    let known = names.last().is_some_and(|last| paths::ends_a_row(last)) && names.len() > 1;
    known
        && targets(&Resolved::Suffix(names.to_vec())).any(|target| match target {
            Target::Rule(rule) => {
                rule.group == Group::Exit
                    || rule.group == Group::DropPanic && names[names.len() - 2] == "panic"
            }
            Target::Call(..) | Target::Makes(_) => false,
        })
}

/// Tokens without a known syntax: what may be a way out counts as one.
fn mentions_exit(tokens: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Ident(ident) => {
            ["return", "break", "await", "yield"].iter().any(|word| ident == word)
        }
        // `value?`, but not the `?value` of a log macro; `name!(..)`, but not `a != b`.
        TokenTree::Punct(punct) => match (punct.as_char(), at.checked_sub(1).map(|at| &tokens[at]))
        {
            ('?', Some(before)) => !matches!(before, TokenTree::Punct(_)),
            ('!', Some(TokenTree::Ident(name))) => {
                let called = matches!(tokens.get(at + 1), Some(TokenTree::Group(_)));
                called && may_exit(&paths::name(name))
            }
            _ => false,
        },
        TokenTree::Group(group) => mentions_exit(group.stream()),
        TokenTree::Literal(_) => false,
    })
}

/// Whether the macro of that name may leave the loop by itself: `assert!` panics, `select!` waits.
fn may_exit(name: &str) -> bool {
    const PANICS_OR_WAITS: &[&str] = &[
        "assert",
        "assert_eq",
        "assert_ne",
        "assert_matches",
        "join",
        "try_join",
        "select",
        "select_biased",
    ];
    match kind_of(name) {
        MacroKind::Diverges | MacroKind::Exits | MacroKind::Unknown => true,
        MacroKind::Arguments | MacroKind::Stringifies | MacroKind::Known => {
            PANICS_OR_WAITS.contains(&name)
        }
    }
}
