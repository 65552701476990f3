//! The way of one function: rules, cleanups, then the rewritings, one after the other.

use backstop_rules::{
    Allow, Finding, Group, Imports, Report, Scan, Unused, is_allow_skip, statement_attrs_mut,
};
use quote::quote_spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, Signature, Stmt};

use crate::attribute::Attributes;
use crate::diagnostic::{Errors, message};
use crate::no_exit::analyze::Calls;
use crate::paths::hidden;
use crate::scoped_spawn::{Paths, Spawns};
use crate::syntax::{unparsed, verbatim};
use crate::{must_cleanup, no_exit, scoped_spawn};

/// What is known of the place of a function.
#[derive(Clone, Default)]
pub(crate) struct Context {
    pub(crate) imports: Imports,
    /// Functions of type `!` in the same container: under the same attribute, they unwind.
    pub(crate) checked: Vec<String>,
    /// In an `impl Drop`.
    pub(crate) drop_impl: bool,
}

/// Expands a function that carries the attributes itself.
pub(crate) fn expand(
    signature: &Signature,
    block: &mut Block,
    attributes: &Attributes,
    context: &Context,
    errors: &mut Errors,
) {
    let unused = expand_inside(signature, block, attributes, context, errors);
    let runtime = attributes.runtime();
    for unused in unused {
        let span = hidden(unused.span);
        let warning = runtime.private("unused_allow", unused.span);
        block.stmts.insert(0, verbatim(quote_spanned!(span=> let _: () = #warning;)));
    }
}

/// Expands a function, and gives the allows that it had no use for.
pub(crate) fn expand_inside(
    signature: &Signature,
    block: &mut Block,
    attributes: &Attributes,
    context: &Context,
    errors: &mut Errors,
) -> Vec<Unused> {
    if let Some(tokens) = unparsed(block) {
        // A check that cannot read the body must not let it pass.
        errors.at(
            tokens,
            message(
                "this syntax is unknown to this version of backstop, so it cannot be checked",
                "move it into a function without the attribute",
            ),
        );
        return Vec::new();
    }
    let runtime = attributes.runtime();
    let imports = context.imports.extended_by(block);
    let allows: Vec<Allow> =
        attributes.common().flat_map(|common| &common.allows).cloned().collect();
    let must_cleanup = attributes.must_cleanup.is_some();
    let checks_exits = must_cleanup || attributes.no_exit.is_some();
    let scan = |groups: &[Group]| {
        let scan = Scan::new(groups).imports(&imports).signature(signature);
        allows.iter().cloned().fold(scan, Scan::allow)
    };

    let mut report = scan(&groups(attributes, context)).block(block);
    for error in std::mem::take(&mut report.errors) {
        errors.push(error);
    }
    for finding in &report.findings {
        errors.push(refuse(finding));
    }
    let mut scoped = 0;
    let mut detached: Option<Report> = None;
    if attributes.scoped_spawn.is_some() {
        if let Some(keyword) = &signature.asyncness {
            errors.at(
                keyword,
                message(
                    "`#[scoped_spawn]` on an `async fn` is not available in this version of backstop",
                    "spawn threads from a function that is not `async`",
                ),
            );
        } else {
            // What cannot be made a child of the scope is left in a first rewriting to be found;
            // the second also keeps the spawning functions' imports in use.
            let mut rest = block.clone();
            let mut spawns =
                Spawns { imports: &imports, allows: &mut report.allows, runtime: &runtime };
            spawns.rewrite(&mut rest, Paths::Gone, errors);
            scoped = spawns.rewrite(block, Paths::Named, &mut Errors::default());
            let rest = scan(&[Group::Detach]).block(&rest);
            for finding in &rest.findings {
                errors.push(refuse_detached(finding));
            }
            detached = Some(rest);
        }
    }
    let cleanups = if must_cleanup {
        must_cleanup::analyze::analyze(block, &mut report.allows, errors)
    } else {
        must_cleanup::analyze::Cleanups::default()
    };
    let unwinds = attributes.common().flat_map(|common| &common.unwinds).collect();
    let calls = Calls { imports: &imports, unwinds, checked: &context.checked };
    if checks_exits {
        no_exit::expand::expand(block, &calls, &mut report.allows, &runtime);
    }
    // Cleanups in an `async fn` are refused as a whole.
    let closures = usize::from(signature.asyncness.is_some());
    AllowSkips { closures, must_cleanup }.visit_block_mut(block);
    if !cleanups.is_empty() {
        match &signature.asyncness {
            Some(keyword) => errors.at(
                keyword,
                message(
                    "cleanups in an `async fn` are not available in this version of backstop",
                    "declare them in a function that is not `async`, and call that",
                ),
            ),
            None => {
                must_cleanup::expand::expand(signature, block, cleanups, &calls, &runtime);
            }
        }
    }
    if let (Some(args), true) = (&attributes.scoped_spawn, scoped > 0) {
        scoped_spawn::expand::expand(signature, block, args, &runtime);
    }
    if must_cleanup && context.drop_impl {
        must_cleanup::expand::contain(signature, block, &runtime);
    }
    unused(&report, detached.as_ref())
}

/// The groups of rules that the attributes refuse.
fn groups(attributes: &Attributes, context: &Context) -> Vec<Group> {
    let mut groups = Vec::new();
    if attributes.must_cleanup.is_some() {
        groups.extend([Group::Exit, Group::Forget, Group::Hang]);
        if context.drop_impl {
            groups.push(Group::DropPanic);
        }
    } else if attributes.no_exit.is_some() {
        groups.push(Group::Exit);
    }
    groups
}

fn refuse(finding: &Finding) -> syn::Error {
    finding.error(message(finding.describe(), finding.rule.remedy))
}

/// A spawn that could not be made a child of the scope.
fn refuse_detached(finding: &Finding) -> syn::Error {
    if finding.rule.name == "detached_thread" && finding.as_value {
        let remedy = "call it, so that the call can be scoped: `|f| thread::spawn(f)`";
        return finding.error(message(finding.describe(), remedy));
    }
    refuse(finding)
}

/// The allows of no use: those of detaching rules were asked in the second scan, when the spawns
/// that can be scoped had been.
fn unused(report: &Report, detached: Option<&Report>) -> Vec<Unused> {
    let is_detach = |unused: &Unused| unused.rule.is_some_and(|rule| rule.group == Group::Detach);
    let mut unused = report.unused();
    if let Some(detached) = detached {
        let still: Vec<&str> =
            detached.unused().iter().filter(|u| is_detach(u)).map(|u| u.name).collect();
        unused.retain(|unused| !is_detach(unused) || still.contains(&unused.name));
    }
    unused
}

/// Removes the helper attributes of a body. `#[cleanup]` goes with the guard that it declares,
/// and here only from where it was refused.
struct AllowSkips {
    closures: usize,
    must_cleanup: bool,
}

impl VisitMut for AllowSkips {
    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        let refused = self.must_cleanup && self.closures > 0;
        if let Some(attrs) = statement_attrs_mut(stmt) {
            attrs.retain(|attr| {
                let is_refused = refused && must_cleanup::analyze::is_cleanup(attr);
                !is_allow_skip(attr) && !is_refused
            });
        }
        visit_mut::visit_stmt_mut(self, stmt);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let own_exits = must_cleanup::analyze::own_exits(expr).is_some();
        self.closures += usize::from(own_exits);
        visit_mut::visit_expr_mut(self, expr);
        self.closures -= usize::from(own_exits);
    }

    fn visit_item_mut(&mut self, _: &mut syn::Item) {}
}
