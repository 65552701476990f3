//! The way of one function: rules, cleanups, then the rewritings, one after the other.

use backstop_rules::{Finding, Group, Imports, Report, Scan, Unused};
use quote::quote_spanned;
use syn::token::Brace;
use syn::{Block, Item, ItemMacro, ReturnType, Signature, Stmt};

use crate::attribute::Attributes;
use crate::diagnostic::{Errors, message};
use crate::must_cleanup::analyze::Cleanups;
use crate::no_exit::analyze::Calls;
use crate::paths::{Runtime, hidden};
use crate::scoped_spawn::{Paths, Rewritten, Spawned, Spawns, task_spawn};
use crate::syntax::{unparsed, verbatim};
use crate::{helpers, must_cleanup, no_exit, scoped_spawn};

/// What is known of the place of a function.
#[derive(Clone, Default)]
pub(crate) struct Context {
    pub(crate) imports: Imports,
    /// What functions of type `!` in the same container are called there.
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
    let imports = context.imports.extended_by(block);
    let unwinds = attributes.common().flat_map(|common| &common.unwinds).collect();
    Function {
        signature,
        attributes,
        runtime: attributes.runtime(),
        calls: Calls { imports: &imports, unwinds, checked: &context.checked },
        destructor: context.drop_impl || is_destructor(signature),
    }
    .expand(block, errors)
}

/// A function and what is known of it: what every step looks at and none changes.
struct Function<'a> {
    signature: &'a Signature,
    attributes: &'a Attributes,
    runtime: Runtime,
    calls: Calls<'a>,
    destructor: bool,
}

impl Function<'_> {
    fn expand(&self, block: &mut Block, errors: &mut Errors) -> Vec<Unused> {
        let mut report = self.scan(&groups(self.attributes, self.destructor)).block(block);
        for error in std::mem::take(&mut report.errors) {
            errors.push(error);
        }
        for finding in &report.findings {
            errors.push(refuse(finding));
        }
        let scoped = self.scope_spawns(block, &mut report, errors);
        let must_cleanup = self.attributes.must_cleanup.is_some();
        if must_cleanup {
            must_cleanup::returned::refuse(block, &self.runtime, errors);
        }
        let cleanups = must_cleanup.then(|| self.cleanups(block, &mut report, errors));
        if must_cleanup || self.attributes.no_exit.is_some() {
            no_exit::expand::expand(block, &self.calls, &mut report.allows, &self.runtime);
        }
        let kept = match &cleanups {
            None if self.attributes.others => helpers::Cleanups::Foreign,
            None => helpers::Cleanups::Refused,
            Some(_) => helpers::Cleanups::Expanded,
        };
        helpers::remove(block, kept, &self.runtime, errors);
        if let Some(cleanups) = cleanups.filter(|cleanups| !cleanups.is_empty()) {
            let Self { signature, calls, runtime, .. } = self;
            must_cleanup::expand::expand(signature, block, cleanups, calls, runtime);
        }
        if let (Some(args), Some(scoped)) = (&self.attributes.scoped_spawn, &scoped) {
            let Self { signature, runtime, .. } = self;
            let Rewritten { count, is_send } = scoped.rewritten;
            if signature.asyncness.is_none() {
                if count > 0 {
                    scoped_spawn::expand::expand(signature, block, args, runtime);
                }
            } else if count > 0 || args.deadline.is_some() {
                scoped_spawn::tasks::expand(signature, block, args, is_send, runtime);
            }
        }
        if must_cleanup && self.destructor {
            must_cleanup::expand::contain(self.signature, block, &self.runtime);
        }
        unused(&report, scoped.as_ref().map(|scoped| &scoped.rest))
    }

    fn scan(&self, groups: &[Group]) -> Scan<'_> {
        let scan = Scan::new(groups).imports(self.calls.imports).signature(self.signature);
        with_allows(scan, self.attributes)
    }

    fn scope_spawns(
        &self,
        block: &mut Block,
        report: &mut Report,
        errors: &mut Errors,
    ) -> Option<Scoped> {
        let args = self.attributes.scoped_spawn.as_ref()?;
        let spawned = match self.signature.asyncness {
            Some(_) if args.local.is_some() => Spawned::Local,
            Some(_) => Spawned::Tasks,
            None => Spawned::Threads,
        };
        if let (Some(deadline), Spawned::Threads) = (&args.deadline, spawned) {
            let text = message(
                "`deadline` stops the body of an `async fn`, and this function is not",
                "cancel with a `CancelToken` that has a deadline, and look at it",
            );
            errors.at_span(deadline.key, text);
        }
        if let (Some(key), Spawned::Threads) = (args.local, spawned) {
            let text = message(
                "`local` runs children on the task of an `async fn`, and this function is not",
                "leave it out: threads may borrow the parameters",
            );
            errors.at_span(key, text);
        }
        let mut spawns = Spawns {
            imports: self.calls.imports,
            allows: &mut report.allows,
            runtime: &self.runtime,
            signature: self.signature,
            spawned,
        };
        // What cannot be made a child of the scope is left in a first rewriting to be found; the
        // second also keeps the spawning functions' imports in use.
        let mut rest = block.clone();
        spawns.rewrite(&mut rest, Paths::Gone, errors);
        let rewritten = spawns.rewrite(block, Paths::Named, &mut Errors::default());
        let rest = self.scan(&[Group::Detach]).block(&rest);
        for finding in &rest.findings {
            errors.push(refuse_detached(finding, spawned));
        }
        Some(Scoped { rewritten, rest })
    }

    /// The cleanups that the body declares, with their calls marked.
    fn cleanups(&self, block: &Block, report: &mut Report, errors: &mut Errors) -> Cleanups {
        let mut cleanups =
            must_cleanup::analyze::analyze(self.signature, block, &mut report.allows, errors);
        for cleanup in &mut cleanups {
            // Its findings are among the body's; expanded, it would be told a second time.
            let refused = !report.findings.is_empty()
                && !self
                    .scan(&groups(self.attributes, self.destructor))
                    .expr(&cleanup.expr)
                    .findings
                    .is_empty();
            if refused {
                cleanup.clear();
            } else if !cleanup.may_diverge {
                no_exit::expand::expand_expr(&mut cleanup.expr, &self.calls, &self.runtime);
            }
        }
        cleanups
    }
}

/// What became of the spawns of a body.
struct Scoped {
    rewritten: Rewritten,
    /// What could not be scoped.
    rest: Report,
}

/// `fn drop(&mut self)`: on its own, its `impl` is out of sight.
fn is_destructor(signature: &Signature) -> bool {
    signature.ident == "drop"
        && signature.inputs.len() == 1
        && matches!(signature.output, ReturnType::Default)
        && signature.receiver().is_some_and(|receiver| receiver.mutability.is_some())
}

fn refuse(finding: &Finding) -> syn::Error {
    finding.error(message(finding.describe(), finding.rule.remedy))
}

/// A spawn that could not be made a child of the scope.
fn refuse_detached(finding: &Finding, spawned: Spawned) -> syn::Error {
    let remedy = match finding.rule.name {
        _ if is_scoped_elsewhere(finding, spawned) => IN_A_MACRO,
        "detached_task" if spawned == Spawned::Local && !finding.as_value => {
            "write `tokio::spawn(..)` or `tokio::task::spawn_local(..)`: with `local`, all children \
             run on this task"
        }
        "detached_thread" if spawned == Spawned::Local => {
            "run it in a function under `#[scoped_spawn]` without `local`"
        }
        "detached_thread" if spawned == Spawned::Tasks => {
            "run it with `tokio::task::spawn_blocking`, which can be scoped"
        }
        "detached_task" if spawned != Spawned::Threads && finding.as_value => {
            "call it, so that the call can be scoped: `|job| tokio::spawn(job)`"
        }
        "detached_task" if spawned == Spawned::Tasks => {
            "write `tokio::spawn(..)`, which can be scoped, or wait for the task here"
        }
        "detached_thread" if finding.as_value => {
            "call it, so that the call can be scoped: `|job| thread::spawn(job)`"
        }
        "detached_child" => {
            "keep the `Child` and `wait` for it, use `status`, or start it with \
             `backstop::process::spawn`, whose handle ends it"
        }
        "detached_task" => "spawn a thread, which can be scoped, or wait for the task here",
        _ => finding.rule.remedy,
    };
    finding.error(message(finding.describe(), remedy))
}

/// Whether it is a spawn that is scoped wherever backstop can read it: this one stands in a macro of
/// which the syntax is not known.
fn is_scoped_elsewhere(finding: &Finding, spawned: Spawned) -> bool {
    let path = finding.via.as_deref().unwrap_or(&finding.written);
    let is_scoped = match (finding.rule.name, spawned) {
        ("detached_thread", Spawned::Threads) => {
            path.rsplit("::").next().is_some_and(|last| last == "spawn" || last == ".spawn()")
        }
        ("detached_task", Spawned::Tasks) => task_spawn(path).is_some(),
        ("detached_task", Spawned::Local) => {
            task_spawn(path) == Some("spawn") || path.ends_with("task::spawn_local")
        }
        _ => false,
    };
    is_scoped && !finding.as_value
}

/// Looks at what a macro of a container expands to, and gives the allows that it had no use for.
pub(crate) fn check_macro(
    item: &ItemMacro,
    attributes: &Attributes,
    context: &Context,
    errors: &mut Errors,
) -> Vec<Unused> {
    let mut groups = groups(attributes, false);
    let spawned = attributes.scoped_spawn.as_ref().map(|_| Group::Detach);
    groups.extend(spawned);
    let scan = with_allows(Scan::new(&groups).imports(&context.imports), attributes);
    let stmts = vec![Stmt::Item(Item::Macro(item.clone()))];
    let report = scan.block(&Block { brace_token: Brace::default(), stmts });
    for error in report.errors.iter().cloned() {
        errors.push(error);
    }
    for finding in &report.findings {
        errors.push(match finding.rule.group {
            Group::Detach => finding.error(message(finding.describe(), IN_A_MACRO)),
            _ => refuse(finding),
        });
    }
    report.unused()
}

const IN_A_MACRO: &str = "write it outside of the macro, where it can be scoped";

/// The groups of rules that the attributes refuse wherever they are broken.
fn groups(attributes: &Attributes, destructor: bool) -> Vec<Group> {
    let mut groups = Vec::new();
    if attributes.must_cleanup.is_some() {
        groups.extend([Group::Exit, Group::Forget, Group::Hang]);
        if destructor {
            groups.push(Group::DropPanic);
        }
    } else if attributes.no_exit.is_some() {
        groups.push(Group::Exit);
    }
    groups
}

fn with_allows<'a>(scan: Scan<'a>, attributes: &Attributes) -> Scan<'a> {
    let allows = attributes.common().flat_map(|common| &common.allows).cloned();
    allows.fold(scan, Scan::allow)
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
