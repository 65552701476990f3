//! Which calls are to be asked whether they return.

use std::collections::HashSet;
use std::sync::OnceLock;

use backstop_rules::{Group, Imports, RULES, Scan};
use syn::{Expr, ExprCall, ExprMethodCall, ExprPath, Path};

use crate::syntax::peel;

/// Functions of type `!` that unwind, so that every destructor runs, and whether the bare name is
/// enough to know them: `exit` may be anybody's, unless it is seen where it comes from.
const UNWINDS: [(&str, bool); 3] = [
    ("std::panic::resume_unwind", true),
    ("std::panic::panic_any", true),
    ("backstop::exit", false),
];

/// Tells the calls that need a marker from those about which all is known by name.
pub(crate) struct Calls<'a> {
    pub(crate) imports: &'a Imports,
    /// Paths of `unwinds(..)`.
    pub(crate) unwinds: Vec<&'a Path>,
    /// What functions of type `!` in the same container are called: they are checked themselves.
    pub(crate) checked: &'a [String],
}

impl Calls<'_> {
    /// Whether to ask the compiler about this call.
    pub(crate) fn unknown(&self, call: &ExprCall) -> bool {
        let Expr::Path(callee) = peel(&call.func) else { return !self.is_listed(&call.func) };
        let Some(last) = callee.path.segments.last() else { return true };
        // Constructors return; `Some(x)` is a call to the parser only. In capitals throughout it
        // may be a static that holds a function.
        let name = last.ident.to_string();
        let is_constructor = name.starts_with(char::is_uppercase)
            && (name.len() == 1 || name.contains(char::is_lowercase));
        !(is_constructor || self.unwinds(&callee.path) || self.is_listed(&call.func))
    }

    /// Whether to ask the compiler about this method call.
    pub(crate) fn unknown_method(&self, call: &ExprMethodCall) -> bool {
        !(self.method_unwinds(call) || self.is_listed_method(call))
    }

    /// Whether an expression is a call of which it is known that it unwinds.
    pub(crate) fn never_returns(&self, expr: &Expr) -> bool {
        match peel(expr) {
            Expr::Call(call) => {
                matches!(peel(&call.func), Expr::Path(callee) if self.unwinds(&callee.path))
            }
            Expr::MethodCall(call) => self.method_unwinds(call),
            _ => false,
        }
    }

    /// Whether an expression is a call that a rule knows by name, and that was allowed.
    pub(crate) fn by_name(&self, expr: &Expr) -> bool {
        matches!(peel(expr), Expr::Call(call) if self.is_listed(&call.func))
    }

    fn method_unwinds(&self, call: &ExprMethodCall) -> bool {
        let on_self =
            matches!(peel(&call.receiver), Expr::Path(path) if path.path.is_ident("self"));
        let name = format!("self.{}", call.method);
        on_self && self.checked.contains(&name)
            || self
                .unwinds
                .iter()
                .any(|path| path.segments.last().is_some_and(|last| last.ident == call.method))
    }

    fn unwinds(&self, path: &Path) -> bool {
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if self.checked.contains(&names.join("::")) {
            return true;
        }
        let bare = names.len() == 1;
        let known = match self.imports.resolve(path) {
            Some(resolved) => UNWINDS.iter().any(|(known, _)| *known == resolved),
            None if bare && self.imports.declares(&names[0]) => false,
            None => UNWINDS
                .iter()
                .any(|(known, distinct)| (!bare || *distinct) && is_suffix(&names, known)),
        };
        let written = segments(path);
        known
            || self.unwinds.iter().any(|listed| {
                let listed = segments(listed);
                listed.ends_with(&written) || written.ends_with(&listed)
            })
    }

    /// Whether a rule knows this path by name: reported, or allowed, as such.
    fn is_listed(&self, callee: &Expr) -> bool {
        let Expr::Path(ExprPath { path, .. }) = peel(callee) else {
            return self.finds(callee);
        };
        let resolved = self.imports.resolve(path);
        let last = match &resolved {
            Some(resolved) => resolved.rsplit("::").next().unwrap_or_default().to_owned(),
            None => path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default(),
        };
        // The scan is the one authority; the names only spare most calls one.
        exit_names().contains(last.as_str()) && self.finds(callee)
    }

    /// The same of a method.
    fn is_listed_method(&self, call: &ExprMethodCall) -> bool {
        let exits = RULES.iter().filter(|rule| rule.group == Group::Exit);
        let mut methods = exits.flat_map(|rule| rule.methods);
        if !methods.any(|method| call.method == method.name) {
            return false;
        }
        let written = format!(".{}()", call.method);
        let call = Expr::MethodCall(call.clone());
        let report = Scan::new(&[Group::Exit]).imports(self.imports).expr(&call);
        report.findings.iter().any(|finding| finding.written == written)
    }

    fn finds(&self, expr: &Expr) -> bool {
        !Scan::new(&[Group::Exit]).imports(self.imports).expr(expr).findings.is_empty()
    }
}

/// The last names of the paths that rules refuse as exits.
fn exit_names() -> &'static HashSet<&'static str> {
    static NAMES: OnceLock<HashSet<&str>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let exits = RULES.iter().filter(|rule| rule.group == Group::Exit);
        exits.flat_map(|rule| rule.paths).filter_map(|path| path.rsplit("::").next()).collect()
    })
}

fn segments(path: &Path) -> Vec<String> {
    path.segments
        .iter()
        .map(|segment| segment.ident.to_string())
        .filter(|name| name != "crate" && name != "self" && name != "super")
        .collect()
}

fn is_suffix(names: &[String], path: &str) -> bool {
    let known: Vec<&str> = path.split("::").collect();
    known.len() >= names.len() && known.iter().rev().zip(names.iter().rev()).all(|(a, b)| a == b)
}
