//! Spawns of which the body does not show whose they are: an import at the top of the file says so.

use backstop_rules::{Group, Scan};
use syn::{Expr, ExprCall};

use super::spawns::{Rewriter, Spawned};
use crate::diagnostic::message;
use crate::syntax::peel;

impl Rewriter<'_, '_> {
    /// `spawn(..)`, or `th::spawn(|| ..)`.
    pub(super) fn is_unknown_spawn(&self, call: &ExprCall) -> bool {
        let Expr::Path(callee) = peel(&call.func) else { return false };
        if self.of.imports.resolve(&callee.path).is_some() || callee.path.leading_colon.is_some() {
            return false;
        }
        let names: Vec<String> =
            callee.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        match &names[..] {
            [function] => function == "spawn" && !self.of.imports.declares("spawn"),
            [module, function] => {
                ["spawn", "spawn_blocking", "spawn_local"].contains(&function.as_str())
                    // A type's own function starts with a capital letter.
                    && module.starts_with(char::is_lowercase)
                    && !["crate", "self", "super"].contains(&module.as_str())
                    && !self.of.imports.declares(module)
                    // Of what is not written here, nobody can tell that it is started.
                    && matches!(call.args.first().map(peel), Some(Expr::Closure(_) | Expr::Async(_)))
                    // What a rule knows is told in its words.
                    && !self.is_listed(&call.func)
            }
            _ => false,
        }
    }

    fn is_listed(&self, callee: &Expr) -> bool {
        let scan = Scan::new(&[Group::Detach]).imports(self.of.imports);
        !scan.expr(callee).findings.is_empty()
    }

    pub(super) fn refuse_unknown(&mut self, call: &ExprCall) {
        let Expr::Path(callee) = peel(&call.func) else { return };
        let names: Vec<String> =
            callee.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1 && self.of.allows.allows(self.rule()) {
            return;
        }
        let written = names.join("::");
        let function = names.last().map_or("spawn", String::as_str);
        let threads = self.of.spawned == Spawned::Threads;
        let is_closure = matches!(call.args.first().map(peel), Some(Expr::Closure(_)));
        let module = match &names[..] {
            [_] if threads => "std::thread",
            [_, _] if function == "spawn" && is_closure => "std::thread",
            _ if function == "spawn" => "tokio",
            _ => "tokio::task",
        };
        let known = module.trim_start_matches("std::");
        let remedy = match &names[..] {
            // Under its own name it would be refused, and say why.
            [alias, _] if threads != (module == "std::thread") => {
                format!("say inside the function what `{alias}` is: `use {module} as {alias};`")
            }
            [alias, _] => format!(
                "write `{known}::{function}(..)`, or say inside the function what `{alias}` is: `use \
                 {module} as {alias};`"
            ),
            _ => format!(
                "write `{known}::{function}(..)`, or import it inside the function: `use \
                 {module}::{function};`"
            ),
        };
        let text = message(format!("which `{written}` this is cannot be seen here"), remedy);
        self.errors.at(&call.func, text);
    }
}
