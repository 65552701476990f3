//! Builders of threads and of tasks: which they are, and what becomes of those of tasks.

use quote::quote_spanned;
use syn::visit_mut::VisitMut as _;
use syn::{Expr, ExprCall, ExprMethodCall, Path};

use super::spawns::{Paths, Rewriter, Spawned, callee, scope_name};
use crate::syntax::peel;

impl Rewriter<'_, '_> {
    pub(super) fn is_builder(&self, expr: &Expr) -> bool {
        is_made_by(expr, &|path| self.names_builder(path), &self.builders)
    }

    /// Whether it is the function that makes a builder of what is spawned here.
    fn names_builder(&self, path: &Path) -> bool {
        let (canonical, suffix) = match self.of.spawned {
            Spawned::Threads => ("std::thread::Builder::new", ["thread", "Builder", "new"]),
            Spawned::Tasks | Spawned::Local => {
                ("tokio::task::Builder::new", ["task", "Builder", "new"])
            }
        };
        match self.of.imports.resolve(path) {
            Some(resolved) => resolved == canonical,
            None => ends_with(path, &suffix),
        }
    }

    pub(super) fn is_builder_spawn(&self, call: &ExprMethodCall) -> bool {
        let spawns = call.method == "spawn"
            || call.method == "spawn_blocking" && self.of.spawned == Spawned::Tasks;
        spawns && call.args.len() == 1 && self.is_builder(&call.receiver)
    }

    pub(super) fn makes_task_builder(&self, call: &ExprCall) -> bool {
        self.of.spawned == Spawned::Tasks
            && call.args.is_empty()
            && matches!(peel(&call.func), Expr::Path(callee) if self.names_builder(&callee.path))
    }

    /// Tokio's own is not stable, so that it cannot be named.
    // Input:  task::Builder::new()
    // Output: { use task as _; &*scope0 }.builder()
    pub(super) fn task_builder(&mut self, expr: &mut Expr) -> bool {
        let Expr::Call(call) = &*expr else { return false };
        let Expr::Path(made) = peel(&call.func) else { return false };
        if self.of.allows.allows(self.rule()) {
            return false;
        }
        self.count += 1;
        let span = callee(call);
        let scope = scope_name(self.level);
        let import = made.path.segments.first().filter(|_| self.paths == Paths::Named);
        let import = import
            .filter(|first| {
                !["tokio", "crate", "self", "super"].iter().any(|name| first.ident == name)
            })
            .map(|first| {
                let first = &first.ident;
                quote_spanned!(span=> #[allow(unused_imports)] use #first as _;)
            });
        *expr = Expr::Verbatim(quote_spanned!(span=> ({ #import &*#scope }).builder()));
        true
    }

    /// The spawn of a task's builder, whose method keeps its name.
    pub(super) fn builder_task(&mut self, expr: &mut Expr) -> bool {
        let Expr::MethodCall(call) = expr else { return false };
        if self.of.allows.allows(self.rule()) {
            return false;
        }
        self.visit_expr_mut(&mut call.receiver);
        if let Some(future) = call.args.last_mut() {
            self.child(future);
        }
        true
    }

    /// A spawn on a `Builder` of which the body does not show whose it is.
    pub(super) fn is_unknown_builder_spawn(&self, call: &ExprMethodCall) -> bool {
        call.method == "spawn" && call.args.len() == 1 && self.is_unknown_builder(&call.receiver)
    }

    pub(super) fn is_unknown_builder(&self, expr: &Expr) -> bool {
        let makes = |path: &Path| {
            path.segments.len() == 2
                && path.segments[0].ident == "Builder"
                && self.of.imports.resolve(path).is_none()
                && !self.of.imports.declares("Builder")
        };
        is_made_by(expr, &makes, &self.unknown_builders)
    }
}

/// Whether an expression makes a value with such a function, or is one of these names; or is a chain
/// of methods on one.
fn is_made_by(expr: &Expr, makes: &dyn Fn(&Path) -> bool, names: &[String]) -> bool {
    match peel(expr) {
        Expr::MethodCall(call) => is_made_by(&call.receiver, makes, names),
        Expr::Call(call) => matches!(peel(&call.func), Expr::Path(callee) if makes(&callee.path)),
        Expr::Path(path) => names.iter().any(|name| path.path.is_ident(name)),
        _ => false,
    }
}

fn ends_with(path: &Path, suffix: &[&str]) -> bool {
    path.segments.len() >= suffix.len()
        && path.segments.iter().rev().zip(suffix.iter().rev()).all(|(s, name)| s.ident == name)
}

/// Whether a chain on a builder has come to its `spawn`.
pub(super) fn is_spawned(expr: &Expr) -> bool {
    match peel(expr) {
        Expr::MethodCall(call) => {
            call.method == "spawn" || call.method == "spawn_blocking" || is_spawned(&call.receiver)
        }
        Expr::Try(expr) => is_spawned(&expr.expr),
        _ => false,
    }
}
