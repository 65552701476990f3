//! The visitor that compares every path, method call, macro and loop with the catalogue.

use crate::allow::{self, Allows, Use};
use crate::catalogue::{Group, Kind, RULES};
use crate::imports::Imports;
use crate::left_alone::is_left_alone;
use crate::loops;
use crate::macro_arguments::{self, Parsed};
use crate::matching::{Site, spelled};
use crate::paths::{self, Resolved};
use crate::receivers::{callee, kind_of, tries_clap};
use crate::scan::{Finding, Report};
use crate::scope::Scope;
use proc_macro2::{Span, TokenStream};
use std::collections::HashSet;
use syn::parse::Parser;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Expr, ExprMethodCall, Macro, Meta, Pat, Path, Stmt};

pub(crate) struct Visitor<'a> {
    pub(crate) groups: &'a [Group],
    pub(crate) pedantic: bool,
    pub(crate) scope: Scope<'a>,
    pub(crate) allows: Allows,
    errors: Vec<syn::Error>,
    pub(crate) found: Vec<Found>,
    /// `Box::from_raw` and its like: the type's name and the function's.
    pub(crate) undone: HashSet<(String, String)>,
    /// Attributes that a statement has dealt with although syn hangs them on an operand.
    handled: Option<*const Attribute>,
    /// In `if false { .. }`, which never runs.
    dead: bool,
    /// The `let` at hand holds running work that its block leaves alone.
    left_alone: bool,
}

/// A finding that the end of the body may still take back.
pub(crate) struct Found {
    pub(crate) finding: Finding,
    pub(crate) allowed: Option<Use>,
    /// The type and the function that would take it back; no type: any.
    pub(crate) undo: Option<(Option<String>, &'static str)>,
}

impl<'a> Visitor<'a> {
    pub(crate) fn new(
        groups: &'a [Group],
        pedantic: bool,
        imports: &'a Imports,
        parameters: Vec<(String, Option<Kind>)>,
        allows: Allows,
    ) -> Self {
        Self {
            groups,
            pedantic,
            scope: Scope::new(imports, parameters),
            allows,
            errors: Vec::new(),
            found: Vec::new(),
            undone: HashSet::new(),
            handled: None,
            dead: false,
            left_alone: false,
        }
    }

    pub(crate) fn finish(mut self) -> Report {
        let mut findings = Vec::new();
        for found in self.found {
            let undone = found.undo.is_some_and(|(ty, function)| match ty {
                Some(ty) => self.undone.contains(&(ty, function.to_owned())),
                None => self.undone.iter().any(|(_, undone)| undone == function),
            });
            match found.allowed {
                _ if undone => {}
                Some(allowed) => self.allows.mark(allowed),
                None => findings.push(found.finding),
            }
        }
        Report { findings, errors: self.errors, allows: self.allows }
    }

    /// A macro: the rules about its name, then its arguments.
    pub(crate) fn macro_call(&mut self, path: &Path, tokens: TokenStream) {
        if let Some((first, last)) = path.segments.first().zip(path.segments.last()) {
            let mut names = paths::segments(path);
            let absolute = path.leading_colon.is_some();
            if let Resolved::Imported { path, .. } = self.scope.resolve(&names, absolute) {
                names = path;
            }
            let is_std = names.len() == 1 || paths::is_std(&names[0]) || names[0] == "arch";
            let name = &names[names.len() - 1];
            let rule = RULES
                .iter()
                .find(|rule| rule.macros.contains(&name.as_str()) && is_std && self.wants(rule));
            if let Some(rule) = rule {
                let ends = (first.ident.span(), last.ident.span());
                let written = format!("{}!", spelled(path));
                self.report(rule, Site { written, via: None, as_value: false, ends }, None);
            }
        }
        match macro_arguments::parse(path, tokens) {
            Parsed::Tokens(tokens) => self.tokens(tokens),
            Parsed::Syntax { patterns, statements } => {
                self.scope.enter();
                for pattern in &patterns {
                    self.scope.bind(pattern, None);
                    self.visit_pat(pattern);
                }
                self.statements(&statements);
                self.scope.leave();
            }
        }
    }

    /// Tokens whose syntax nobody promises: statements if they parse.
    pub(crate) fn unknown(&mut self, tokens: TokenStream) {
        match Block::parse_within.parse2(tokens.clone()) {
            Ok(statements) => self.statements(&statements),
            Err(_) => self.tokens(tokens),
        }
    }

    /// Visits something under the allows among its attributes, and with its `#[cleanup(..)]`.
    fn under(&mut self, attrs: &[Attribute], visit: impl FnOnce(&mut Self)) {
        let handled = attrs.first().is_some_and(|first| self.handled == Some(first));
        if attrs.is_empty() || handled {
            return visit(self);
        }
        let mark = self.allows.declare(attrs, &mut self.errors);
        for attr in attrs {
            let is_cleanup = attr.path().segments.last().is_some_and(|l| l.ident == "cleanup");
            if let (true, Meta::List(list)) = (is_cleanup, &attr.meta) {
                match macro_arguments::cleanup_expression.parse2(list.tokens.clone()) {
                    Ok(expr) => self.visit_expr(&expr),
                    Err(_) => self.tokens(list.tokens.clone()),
                }
            }
        }
        let outer = std::mem::replace(&mut self.handled, attrs.first().map(std::ptr::from_ref));
        visit(self);
        self.handled = outer;
        if let Some(mark) = mark {
            self.allows.leave(mark);
        }
    }

    /// The statements of a block.
    fn statements(&mut self, statements: &[Stmt]) {
        self.scope.enter_block(statements);
        let detach = self.groups.contains(&Group::Detach);
        for (at, statement) in statements.iter().enumerate() {
            self.left_alone =
                detach && is_left_alone(statement, &statements[at + 1..], &self.scope);
            self.visit_stmt(statement);
        }
        self.scope.leave();
    }

    fn endless(&mut self, keyword: &str, span: Span, label: Option<&syn::Label>, body: &Block) {
        let runs = !self.dead && self.groups.contains(&Group::Hang);
        if runs && !loops::is_left(label, body) {
            self.report_named("endless_loop", Site::at(keyword, span));
        }
    }
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    // Items inside a body are not the body's: they run when somebody calls them. A macro becomes the
    // body's where it is called.
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if let syn::Item::Macro(item) = item {
            let tokens = item.mac.tokens.clone();
            self.under(&item.attrs, |visitor| visitor.tokens(tokens));
        }
    }

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_block(&mut self, block: &'ast Block) {
        self.statements(&block.stmts);
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        self.under(allow::statement_attrs(statement), |visitor| {
            if let Stmt::Expr(expr, Some(_)) = statement {
                visitor.dropped(expr);
            }
            visit::visit_stmt(visitor, statement);
        });
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let mut kind = None;
        let left_alone = std::mem::take(&mut self.left_alone);
        if let Some(init) = &local.init {
            if left_alone || matches!(&local.pat, Pat::Wild(_)) {
                self.dropped(&init.expr);
            }
            // A set that is joined, or that somebody else may join, is no set to the rules.
            kind = kind_of(&init.expr, &self.scope)
                .filter(|kind| left_alone || *kind != Kind::TaskSet);
            self.visit_local_init(init);
        }
        self.visit_pat(&local.pat);
        self.scope.bind(&local.pat, kind);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.under(&arm.attrs, |visitor| {
            visitor.scope.enter();
            visitor.scope.bind(&arm.pat, None);
            visit::visit_arm(visitor, arm);
            visitor.scope.leave();
        });
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        self.under(allow::expr_attrs(expr), |visitor| visitor.expression(expr));
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        self.macro_call(&mac.path, mac.tokens.clone());
    }
}

impl Visitor<'_> {
    fn expression(&mut self, expr: &Expr) {
        match expr {
            Expr::Path(path) => {
                self.path(path, None);
                visit::visit_expr_path(self, path);
            }
            Expr::Call(call) => {
                if let Some(path) = callee(&call.func) {
                    self.path(path, Some(&call.args));
                    visit::visit_expr_path(self, path);
                    let drops = path.path.segments.last().is_some_and(|l| l.ident == "drop");
                    if drops && call.args.len() == 1 {
                        self.dropped(&call.args[0]);
                    }
                } else {
                    self.visit_expr(&call.func);
                }
                call.args.iter().for_each(|argument| self.visit_expr(argument));
            }
            Expr::MethodCall(call) => self.method_call(call),
            Expr::Macro(expr) => self.macro_call(&expr.mac.path, expr.mac.tokens.clone()),
            Expr::Verbatim(tokens) => self.tokens(tokens.clone()),
            Expr::Closure(closure) => self.closure(closure, None),
            Expr::Let(expr) => {
                self.visit_expr(&expr.expr);
                self.visit_pat(&expr.pat);
                let kind = kind_of(&expr.expr, &self.scope);
                self.scope.bind(&expr.pat, kind);
            }
            Expr::If(expr) => {
                self.scope.enter();
                self.visit_expr(&expr.cond);
                // Attributes of others write such a `loop {}` to have a value of some type.
                let outer = self.dead;
                self.dead |= loops::is_false(&expr.cond);
                self.visit_block(&expr.then_branch);
                self.dead = outer;
                self.scope.leave();
                if let Some((_, expr)) = &expr.else_branch {
                    self.visit_expr(expr);
                }
            }
            Expr::While(expr) => {
                if loops::is_true(&expr.cond) {
                    let span = expr.while_token.span;
                    self.endless("while true", span, expr.label.as_ref(), &expr.body);
                }
                self.scope.enter();
                self.visit_expr(&expr.cond);
                self.visit_block(&expr.body);
                self.scope.leave();
            }
            Expr::Loop(expr) => {
                self.endless("loop", expr.loop_token.span, expr.label.as_ref(), &expr.body);
                self.visit_block(&expr.body);
            }
            Expr::ForLoop(expr) => {
                self.visit_expr(&expr.expr);
                self.scope.enter();
                self.visit_pat(&expr.pat);
                self.scope.bind(&expr.pat, None);
                self.visit_block(&expr.body);
                self.scope.leave();
            }
            Expr::Index(index) => {
                let whole =
                    matches!(&*index.index, Expr::Range(r) if r.start.is_none() && r.end.is_none());
                if !whole {
                    let span = index.bracket_token.span.open();
                    self.report_named("drop_index", Site::at("[]", span));
                }
                visit::visit_expr_index(self, index);
            }
            expr => visit::visit_expr(self, expr),
        }
    }

    fn method_call(&mut self, call: &ExprMethodCall) {
        self.visit_expr(&call.receiver);
        self.method(call);
        if let Some(turbofish) = &call.turbofish {
            self.visit_angle_bracketed_generic_arguments(turbofish);
        }
        // `Cli::try_parse().unwrap_or_else(|error| error.exit())`
        let kind = tries_clap(&call.receiver).then_some(Kind::ClapError);
        for argument in &call.args {
            match argument {
                Expr::Closure(closure) if closure.attrs.is_empty() => self.closure(closure, kind),
                argument => self.visit_expr(argument),
            }
        }
    }

    fn closure(&mut self, closure: &syn::ExprClosure, kind: Option<Kind>) {
        self.scope.enter();
        for input in &closure.inputs {
            self.visit_pat(input);
            self.scope.bind(input, kind);
        }
        self.visit_return_type(&closure.output);
        self.visit_expr(&closure.body);
        self.scope.leave();
    }
}
