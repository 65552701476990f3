//! Finds the guards that a body declares, and what is wrong with them.

use std::collections::VecDeque;

use backstop_rules::{Allows, statement_attrs};
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Expr, Macro, Pat, Signature, Stmt};

use super::borrowed;
use super::cleanup::Cleanup;
use crate::diagnostic::{Errors, message};
use crate::no_exit;

/// The cleanups of a body, in the order in which a walk meets their statements: those of a block
/// from first to last, a statement's own before those of the blocks in it.
pub(crate) type Cleanups = VecDeque<Cleanup>;

/// Reads every `#[cleanup]` and `defer!` of the body.
pub(crate) fn analyze(
    signature: &Signature,
    body: &Block,
    allows: &mut Allows,
    errors: &mut Errors,
) -> Cleanups {
    let awaits = signature.asyncness.is_some();
    let references = if awaits { borrowed::parameters(signature, body) } else { Vec::new() };
    let mut finder =
        Finder { cleanups: VecDeque::new(), allows, errors, awaits, references, inside: None };
    finder.visit_block(body);
    finder.cleanups
}

struct Finder<'a> {
    cleanups: Cleanups,
    allows: &'a mut Allows,
    errors: &'a mut Errors,
    /// Whether the function is `async`.
    awaits: bool,
    /// Its parameters that no `async` cleanup can mention.
    references: Vec<String>,
    /// What the walk is in that is left in ways of its own.
    inside: Option<&'static str>,
}

impl Finder<'_> {
    fn within(&mut self, what: &'static str, visit: impl FnOnce(&mut Self)) {
        let before = self.inside.replace(what);
        visit(self);
        self.inside = before;
    }

    fn attributes(&mut self, stmt: &Stmt) {
        let mut attributes = statement_attrs(stmt).iter().filter(|attr| is_cleanup(attr));
        let Some(attribute) = attributes.next() else { return };
        if let Some(what) = self.inside {
            self.errors.at(attribute.path(), not_available(what));
            return;
        }
        for second in attributes {
            self.errors.at(
                second.path(),
                message(
                    "this statement has a cleanup already",
                    "write one `#[cleanup({ ..; .. })]` that does both",
                ),
            );
        }
        if let Some(error) = misplaced(stmt) {
            self.errors.push(error);
        }
        let cleanup = Cleanup::of_attribute(attribute, self.errors);
        self.declare(cleanup);
    }

    fn defer(&mut self, mac: &Macro) {
        if self.inside.is_none() {
            let cleanup = Cleanup::of_defer(mac, self.errors);
            self.declare(cleanup);
        }
    }

    fn declare(&mut self, mut cleanup: Cleanup) {
        if let Some(span) = cleanup.awaited.filter(|_| !self.awaits) {
            let text = message(
                "an `async` cleanup needs an `async fn`, which can await it",
                "make the function `async`, or call a blocking function here",
            );
            self.errors.at_span(span, text);
            cleanup.awaited = None;
            cleanup.clear();
        }
        if cleanup.awaited.is_some() {
            if let Some((name, span)) = borrowed::mentioned(&cleanup.expr, &self.references) {
                let wrong = format!(
                    "an `async` cleanup may end after the function, and `{name}` is borrowed from \
                     its caller"
                );
                let remedy = "let it own what it needs: bind a clone to another name before, or \
                              take the parameter by value";
                self.errors.at_span(span, message(wrong, remedy));
                cleanup.clear();
            }
        }
        cleanup.may_diverge = has_call(&cleanup.expr) && self.allows.allows(no_exit::expand::RULE);
        cleanup.warns_of_abort = cleanup.needs_unwind() && !self.allows.allows("panic_abort");
        self.cleanups.push_back(cleanup);
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_stmt(&mut self, stmt: &'ast Stmt) {
        let place = self.allows.enter(statement_attrs(stmt));
        self.attributes(stmt);
        match defer(stmt) {
            Some(mac) => self.defer(mac),
            None => visit::visit_stmt(self, stmt),
        }
        self.allows.leave(place);
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        match own_exits(expr) {
            Some(what) => self.within(what, |this| visit::visit_expr(this, expr)),
            None => visit::visit_expr(self, expr),
        }
    }

    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

/// What is said of a `#[cleanup]` where no guard can be.
pub(crate) fn not_available(inside: &str) -> String {
    let remedy = match inside {
        // Others' attributes make one of the whole body.
        ASYNC => {
            "move its body into a function of its own under `#[must_cleanup]`, or put \
             `#[must_cleanup]` above the other attributes"
        }
        _ => "move its body into a function of its own under `#[must_cleanup]`",
    };
    let wrong = format!("`#[cleanup]` in {inside} is not available in this version of backstop");
    message(wrong, remedy)
}

const ASYNC: &str = "an `async` block";

/// Names an expression whose body is left in ways of its own: `return` and `?` in it do not leave
/// the function.
pub(crate) fn own_exits(expr: &Expr) -> Option<&'static str> {
    match expr {
        Expr::Closure(_) => Some("a closure"),
        Expr::Async(_) => Some(ASYNC),
        Expr::Const(_) => Some("a `const` block"),
        Expr::TryBlock(_) => Some("a `try` block"),
        _ => None,
    }
}

fn has_call(expr: &Expr) -> bool {
    struct Calls(bool);
    impl<'ast> Visit<'ast> for Calls {
        fn visit_expr(&mut self, expr: &'ast Expr) {
            self.0 |= matches!(expr, Expr::Call(_) | Expr::MethodCall(_) | Expr::Macro(_));
            visit::visit_expr(self, expr);
        }
    }
    let mut calls = Calls(false);
    calls.visit_expr(expr);
    calls.0
}

pub(crate) fn is_cleanup(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == "cleanup")
}

/// The `defer!` that a statement is. One from scopeguard means the same but for the options.
pub(crate) fn defer(stmt: &Stmt) -> Option<&Macro> {
    let mac = match stmt {
        Stmt::Macro(stmt) => &stmt.mac,
        Stmt::Expr(Expr::Macro(expr), _) => &expr.mac,
        _ => return None,
    };
    is_ours(mac).then_some(mac)
}

/// Whether an expression is one, which only a statement can be.
pub(crate) fn is_defer(expr: &Expr) -> bool {
    matches!(expr, Expr::Macro(expr) if is_ours(&expr.mac))
}

fn is_ours(mac: &Macro) -> bool {
    let segments = &mac.path.segments;
    let foreign = segments.first().is_some_and(|first| first.ident == "scopeguard");
    !foreign && segments.last().is_some_and(|last| last.ident == "defer")
}

/// The name that a `let` binds, if it binds one only.
pub(super) fn single_name(pat: &Pat) -> Option<&syn::PatIdent> {
    match pat {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => Some(name),
        Pat::Type(typed) => single_name(&typed.pat),
        _ => None,
    }
}

fn misplaced(stmt: &Stmt) -> Option<syn::Error> {
    let (tokens, text) = match stmt {
        Stmt::Local(local) if single_name(&local.pat).is_none() => (
            quote::ToTokens::to_token_stream(pattern(&local.pat)),
            message(
                "`#[cleanup]` needs a single name to guard, and this is a pattern",
                "bind the whole value to a name first, and take it apart in a second `let`",
            ),
        ),
        Stmt::Local(local) if local.init.is_none() => (
            quote::ToTokens::to_token_stream(&local.pat),
            message(
                "`#[cleanup]` needs an initialiser: there is nothing to guard yet",
                "declare the variable where its value is made: `let name = ..;`",
            ),
        ),
        _ => return None,
    };
    Some(syn::Error::new_spanned(tokens, text))
}

fn pattern(pat: &Pat) -> &Pat {
    match pat {
        Pat::Type(typed) => &typed.pat,
        other => other,
    }
}
