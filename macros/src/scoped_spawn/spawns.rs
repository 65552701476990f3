//! Turns the spawns of a body into spawns of its scope.

use backstop_rules::{Allows, Imports, statement_attrs};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned as _;
use syn::token::Paren;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Block, Expr, ExprCall, ExprMethodCall, FnArg, Item, Local, Pat, PatType, Path, PathArguments,
    Signature, Stmt, Token, Type,
};

use super::builders::is_spawned;
use super::handles::Handles;
use crate::diagnostic::{Errors, message};
use crate::macros::with_code;
use crate::paths::{Runtime, hidden, local};
use crate::syntax::{block, peel, verbatim};

/// The scope that the function's own body sees. Inside a child's closure the name has the next
/// number, for the clone that the child owns.
pub(super) fn scope_name(level: usize) -> Ident {
    local("scope", level)
}

/// Whether the rewritten spawn still names the function that it stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paths {
    /// It does, so that its import is in use.
    Named,
    Gone,
}

/// What the rewriting of a body needs to know.
pub(crate) struct Spawns<'a> {
    pub(crate) imports: &'a Imports,
    pub(crate) allows: &'a mut Allows,
    pub(crate) runtime: &'a Runtime,
    pub(crate) signature: &'a Signature,
    /// What is spawned: tasks in an `async fn`, else threads.
    pub(crate) spawned: Spawned,
}

/// What became of a body's spawns.
#[derive(Clone, Copy)]
pub(crate) struct Rewritten {
    /// How many could be scoped.
    pub(crate) count: usize,
    /// Whether all children that run on the function's own task are said to be `Send`.
    pub(crate) is_send: bool,
}

/// What a body spawns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spawned {
    Threads,
    Tasks,
    /// Children on the function's own task.
    Local,
}

impl Spawns<'_> {
    /// Rewrites every spawn that can be scoped, and gives how many there were.
    // Input:  thread::spawn(f)
    // Output: scope0.spawn(f)
    pub(crate) fn rewrite(
        &mut self,
        body: &mut Block,
        paths: Paths,
        errors: &mut Errors,
    ) -> Rewritten {
        let (builders, unknown_builders) = self.builder_parameters();
        let mut rewriter = Rewriter {
            of: self,
            errors,
            paths,
            builders,
            unknown_builders,
            level: 0,
            count: 0,
            is_send: true,
        };
        rewriter.visit_block_mut(body);
        let Rewriter { count, is_send, .. } = rewriter;
        if count > 0 {
            Handles(self).visit_block_mut(body);
        }
        Rewritten { count, is_send }
    }

    /// The parameters that are a `thread::Builder`, and those of which nobody can tell.
    fn builder_parameters(&self) -> (Vec<String>, Vec<String>) {
        let (mut builders, mut unknown) = (Vec::new(), Vec::new());
        for input in &self.signature.inputs {
            let FnArg::Typed(PatType { pat, ty, .. }) = input else { continue };
            let (Pat::Ident(name), Type::Path(ty)) = (&**pat, &**ty) else { continue };
            if self.names(&ty.path, "std::thread::Builder", ["thread", "Builder"]) {
                builders.push(name.ident.to_string());
            } else if ty.path.is_ident("Builder") && !self.imports.declares("Builder") {
                unknown.push(name.ident.to_string());
            }
        }
        (builders, unknown)
    }

    pub(super) fn names(&self, path: &Path, canonical: &str, suffix: [&str; 2]) -> bool {
        if let Some(resolved) = self.imports.resolve(path) {
            return resolved == canonical;
        }
        let mut names = path.segments.iter().rev().map(|segment| &segment.ident);
        let [module, name] = suffix;
        names.next().is_some_and(|last| last == name)
            && names.next().is_some_and(|last| last == module)
    }
}

pub(super) struct Rewriter<'a, 'b> {
    pub(super) of: &'a mut Spawns<'b>,
    pub(super) errors: &'a mut Errors,
    pub(super) paths: Paths,
    /// Locals that were seen to hold a builder.
    pub(super) builders: Vec<String>,
    /// Parameters of a type that is named just `Builder`.
    pub(super) unknown_builders: Vec<String>,
    /// How many children's closures are around this place.
    pub(super) level: usize,
    pub(super) count: usize,
    is_send: bool,
}

impl Rewriter<'_, '_> {
    /// The method of the scope that stands for this call.
    fn spawns(&self, call: &ExprCall) -> Option<&'static str> {
        let Expr::Path(callee) = peel(&call.func) else { return None };
        if call.args.len() != 1 {
            return None;
        }
        match self.of.spawned {
            Spawned::Threads => {
                let names = self.of.names(&callee.path, "std::thread::spawn", ["thread", "spawn"]);
                names.then_some("spawn")
            }
            Spawned::Tasks => self.spawns_task(&callee.path),
            Spawned::Local => self.spawns_local(&callee.path),
        }
    }

    /// What runs on the function's own task: threads and their like cannot.
    fn spawns_local(&self, path: &Path) -> Option<&'static str> {
        let is_local = self.names_spawn_local(path);
        (is_local || self.spawns_task(path) == Some("spawn")).then_some("spawn")
    }

    fn names_spawn_local(&self, path: &Path) -> bool {
        self.of.names(path, "tokio::task::spawn_local", ["task", "spawn_local"])
    }

    fn spawns_task(&self, path: &Path) -> Option<&'static str> {
        if let Some(resolved) = self.of.imports.resolve(path) {
            return match resolved.as_str() {
                "tokio::spawn" | "tokio::task::spawn" => Some("spawn"),
                "tokio::task::spawn_blocking" => Some("spawn_blocking"),
                _ => None,
            };
        }
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        task_spawn(&names.join("::"))
    }

    /// The rule that refuses what is not scoped.
    pub(super) fn rule(&self) -> &'static str {
        match self.of.spawned {
            Spawned::Threads => "detached_thread",
            Spawned::Tasks | Spawned::Local => "detached_task",
        }
    }

    /// Rewrites what a child runs. A child that spawns needs a scope of its own to do it with.
    // Input:  move || { thread::spawn(g); }
    // Output: { let scope1 = Clone::clone(&*scope0); move || { .. let scope1 = &scope1; scope1.spawn(g); } }
    pub(super) fn child(&mut self, closure: &mut Expr) {
        if matches!(peel(closure), Expr::Async(_)) {
            return self.child_future(closure);
        }
        let Expr::Closure(inner) = closure else { return self.visit_expr_mut(closure) };
        let before = self.count;
        self.level += 1;
        self.visit_expr_mut(&mut inner.body);
        let (own, outer) = (scope_name(self.level), scope_name(self.level - 1));
        self.level -= 1;
        if self.count == before {
            return;
        }
        let span = hidden(inner.inputs_begin.span());
        // Moved in the body, so that closures without `move` own it, too.
        let moved = quote_spanned!(span=> let #own = #own; let #own = &#own;);
        let body = std::mem::replace(&mut *inner.body, Expr::PLACEHOLDER);
        *inner.body = block(vec![verbatim(moved), Stmt::Expr(body, None)], span);
        let cloned = quote_spanned!(span=> let #own = ::core::clone::Clone::clone(&*#outer););
        let closure_itself = std::mem::replace(closure, Expr::PLACEHOLDER);
        *closure = block(vec![verbatim(cloned), Stmt::Expr(closure_itself, None)], span);
    }

    /// Rewrites what a task runs; see [`child`](Self::child).
    // Input:  async { tokio::spawn(g); }
    // Output: { let scope1 = Clone::clone(&*scope0);
    //         async move { let scope1 = scope1; let scope1 = &scope1; async { scope1.spawn(g); }.await } }
    fn child_future(&mut self, future: &mut Expr) {
        let before = self.count;
        self.level += 1;
        visit_mut::visit_expr_mut(self, future);
        let (own, outer) = (scope_name(self.level), scope_name(self.level - 1));
        self.level -= 1;
        if self.count == before {
            return;
        }
        let span = hidden(future.span());
        if let (Spawned::Local, Expr::Async(inner)) = (self.of.spawned, &mut *future) {
            // Only the scope is moved: what is borrowed stays borrowed.
            let moved = quote_spanned!(span=> let #own = #own; let #own = &#own;);
            inner.block.stmts.insert(0, verbatim(moved));
            *future = Expr::Verbatim(quote_spanned! {span=> {
                let #own = ::core::clone::Clone::clone(&*#outer);
                #future
            }});
            return;
        }
        let inner = std::mem::replace(future, Expr::PLACEHOLDER);
        *future = Expr::Verbatim(quote_spanned! {span=> {
            let #own = ::core::clone::Clone::clone(&*#outer);
            async move {
                let #own = #own;
                let #own = &#own;
                (#inner).await
            }
        }});
    }

    /// The scope, with the user's own path named beside it: its import is in use.
    fn in_place_of(&self, func: &Expr, scope: &TokenStream, span: Span) -> TokenStream {
        let (Expr::Path(path), Paths::Named) = (peel(func), self.paths) else {
            return scope.clone();
        };
        let mut path = path.clone();
        if let Some(last) = path.path.segments.last_mut() {
            last.arguments = PathArguments::None;
        }
        match self.of.spawned {
            Spawned::Threads => {
                let function = self.of.runtime.private("in_place_of", span);
                quote_spanned!(span=> #function(#path::<fn(), ()>, &*#scope))
            }
            Spawned::Tasks | Spawned::Local => {
                quote_spanned!(span=> ({ #[allow(unused_imports)] use #path as _; &*#scope }))
            }
        }
    }

    fn scoped(&mut self, expr: &mut Expr) -> bool {
        let span = match &*expr {
            Expr::Call(call) if self.spawns(call).is_some() => callee(call),
            Expr::Call(call) if self.is_unknown_spawn(call) => {
                self.refuse_unknown(call);
                return false;
            }
            Expr::Call(call) if self.makes_task_builder(call) => return self.task_builder(expr),
            Expr::MethodCall(call) if self.is_unknown_builder_spawn(call) => {
                let remedy = match self.of.spawned {
                    Spawned::Threads => {
                        "write `thread::Builder`, or import it inside the function: `use \
                         std::thread::Builder;`"
                    }
                    Spawned::Tasks | Spawned::Local => {
                        "write `tokio::task::Builder`, or the whole path of another one"
                    }
                };
                let text = message("which `Builder` this is cannot be seen here", remedy);
                self.errors.at(&call.method, text);
                return false;
            }
            Expr::MethodCall(call) if self.is_builder_spawn(call) => match self.of.spawned {
                Spawned::Threads => call.method.span(),
                Spawned::Tasks => return self.builder_task(expr),
                // It has a thread or a task of its own.
                Spawned::Local => return false,
            },
            _ => return false,
        };
        if self.of.allows.allows(self.rule()) {
            return false;
        }
        self.count += 1;
        let scope = scope_name(self.level);
        // The user's own span: `spawn` records its line.
        let mut scope = quote_spanned!(span=> #scope);
        let (method, mut args, attrs) = match std::mem::replace(expr, Expr::PLACEHOLDER) {
            Expr::Call(call) => {
                let method = self.spawns(&call).unwrap_or("spawn");
                if let Expr::Path(path) = peel(&call.func) {
                    self.is_send &= !self.names_spawn_local(&path.path);
                }
                scope = self.in_place_of(&call.func, &scope, span);
                (method, call.args, call.attrs)
            }
            Expr::MethodCall(mut call) => {
                self.visit_expr_mut(&mut call.receiver);
                call.args.insert(0, *call.receiver);
                ("spawn_from", call.args, call.attrs)
            }
            // Looked at above.
            other => {
                *expr = other;
                return false;
            }
        };
        if let Some(closure) = args.last_mut() {
            self.child(closure);
        }
        *expr = Expr::MethodCall(ExprMethodCall {
            attrs,
            receiver: Box::new(Expr::Verbatim(scope)),
            dot_token: Token![.](span),
            method: Ident::new(method, span),
            turbofish: None,
            paren_token: Paren(span),
            args,
        });
        true
    }
}

/// The method of the scope that stands for a function of tokio's, as it is spelled.
pub(crate) fn task_spawn(path: &str) -> Option<&'static str> {
    match path {
        "tokio::spawn" | "task::spawn" | "tokio::task::spawn" => Some("spawn"),
        "task::spawn_blocking" | "tokio::task::spawn_blocking" => Some("spawn_blocking"),
        _ => None,
    }
}

pub(super) fn callee(call: &ExprCall) -> Span {
    match peel(&call.func) {
        Expr::Path(callee) => {
            callee.path.segments.last().map_or_else(|| callee.span(), syn::spanned::Spanned::span)
        }
        other => other.span(),
    }
}

impl VisitMut for Rewriter<'_, '_> {
    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        let place = self.of.allows.enter(statement_attrs(stmt));
        visit_mut::visit_stmt_mut(self, stmt);
        self.of.allows.leave(place);
    }

    fn visit_local_mut(&mut self, local: &mut Local) {
        if let (Pat::Ident(name), Some(init)) = (&local.pat, &local.init) {
            if self.is_builder(&init.expr) && !is_spawned(&init.expr) {
                self.builders.push(name.ident.to_string());
            } else if self.is_unknown_builder(&init.expr) && !is_spawned(&init.expr) {
                self.unknown_builders.push(name.ident.to_string());
            }
        }
        visit_mut::visit_local_mut(self, local);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if !self.scoped(expr) {
            visit_mut::visit_expr_mut(self, expr);
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut syn::Macro) {
        with_code(mac, self);
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}
