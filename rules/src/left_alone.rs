//! Locals that hold running work and are neither waited for nor given to anybody who may wait.

use crate::catalogue::Kind;
use crate::macro_arguments::{self, Parsed};
use crate::paths;
use crate::receivers::kind_of;
use crate::scope::Scope;
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Macro, Meta, Pat, Stmt};

/// Methods that neither wait for what runs in a set nor give the set away.
const OF_SETS: &[&str] = &[
    "abort_all",
    "build_task",
    "is_empty",
    "len",
    "spawn",
    "spawn_blocking",
    "spawn_blocking_on",
    "spawn_local",
    "spawn_local_on",
    "spawn_on",
];

const OF_CHILDREN: &[&str] = &["id"];

/// Whether a statement binds running work to a name that the rest of its block leaves alone, so
/// that it is dropped, running, where the block ends. Whatever is not surely so is not.
pub(crate) fn is_left_alone(statement: &Stmt, rest: &[Stmt], scope: &Scope<'_>) -> bool {
    let Stmt::Local(local) = statement else { return false };
    let (Some(name), Some(init)) = (single_name(&local.pat), &local.init) else { return false };
    let methods = match kind_of(&init.expr, scope) {
        Some(Kind::TaskSet) => OF_SETS,
        // A command that a variable holds may be one that kills its child.
        Some(Kind::Command) if !calls_or_stands_on(&init.expr, "kill_on_drop") => OF_CHILDREN,
        _ => return false,
    };
    let mut uses = Uses { name: &name, methods, other: false };
    // Its own `#[cleanup(..)]` may wait for it.
    for attribute in &local.attrs {
        uses.visit_attribute(attribute);
    }
    for statement in rest {
        uses.visit_stmt(statement);
    }
    !uses.other
}

fn single_name(pat: &Pat) -> Option<String> {
    match pat {
        Pat::Ident(pat) if pat.subpat.is_none() => Some(paths::name(&pat.ident)),
        Pat::Type(pat) => single_name(&pat.pat),
        _ => None,
    }
}

/// Whether a chain of calls has that method, or begins with a variable.
fn calls_or_stands_on(expr: &Expr, method: &str) -> bool {
    match expr {
        Expr::MethodCall(call) => {
            call.method == method || calls_or_stands_on(&call.receiver, method)
        }
        Expr::Try(expr) => calls_or_stands_on(&expr.expr, method),
        Expr::Await(expr) => calls_or_stands_on(&expr.base, method),
        Expr::Paren(expr) => calls_or_stands_on(&expr.expr, method),
        Expr::Group(expr) => calls_or_stands_on(&expr.expr, method),
        Expr::Call(_) => false,
        _ => true,
    }
}

/// What becomes of a variable.
struct Uses<'a> {
    name: &'a str,
    methods: &'a [&'a str],
    /// It is used in a way that may wait for it.
    other: bool,
}

impl Uses<'_> {
    fn is_it(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Path(path) => {
                path.path.get_ident().is_some_and(|name| paths::name(name) == self.name)
            }
            Expr::Paren(expr) => self.is_it(&expr.expr),
            Expr::Group(expr) => self.is_it(&expr.expr),
            _ => false,
        }
    }

    fn mentioned(&self, tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(name) => paths::name(&name) == self.name,
            TokenTree::Group(group) => self.mentioned(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
}

impl<'ast> Visit<'ast> for Uses<'_> {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::MethodCall(call) if self.is_it(&call.receiver) => {
                self.other |= !self.methods.iter().any(|known| call.method == known);
                call.args.iter().for_each(|argument| self.visit_expr(argument));
            }
            // `drop(tasks)` waits for nothing.
            Expr::Call(call)
                if call.args.len() == 1
                    && self.is_it(&call.args[0])
                    && matches!(&*call.func, Expr::Path(path)
                        if path.path.segments.last().is_some_and(|last| last.ident == "drop")) => {}
            expr if self.is_it(expr) => self.other = true,
            expr => visit::visit_expr(self, expr),
        }
    }

    // Another variable of that name: which of the two is meant is not followed.
    fn visit_pat_ident(&mut self, pat: &'ast syn::PatIdent) {
        self.other |= paths::name(&pat.ident) == self.name;
        visit::visit_pat_ident(self, pat);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        match macro_arguments::parse(&mac.path, mac.tokens.clone()) {
            Parsed::Tokens(tokens) => self.other |= self.mentioned(tokens),
            Parsed::Syntax { patterns, statements } => {
                let mut inner = Uses { other: false, ..*self };
                for pattern in &patterns {
                    inner.visit_pat(pattern);
                }
                for statement in &statements {
                    inner.visit_stmt(statement);
                }
                self.other |= inner.other;
            }
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.other |= self.mentioned(list.tokens.clone());
        }
    }

    fn visit_item(&mut self, _: &'ast syn::Item) {}
}
