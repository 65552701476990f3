//! Which calls are to be asked whether they return.

use std::collections::HashSet;
use std::sync::OnceLock;

use backstop_rules::{Group, Imports, RULES, Scan};
use syn::{Expr, ExprCall, ExprMethodCall, Path};

use crate::syntax::peel;

/// Functions of type `!` that unwind, so that every destructor runs.
const UNWINDS: [&str; 3] = ["std::panic::resume_unwind", "std::panic::panic_any", "backstop::exit"];

/// Tells the calls that need a marker from those about which all is known by name.
pub(crate) struct Calls<'a> {
    pub(crate) imports: &'a Imports,
    /// Paths of `unwinds(..)`.
    pub(crate) unwinds: Vec<&'a Path>,
    /// Functions of type `!` in the same container, which are checked themselves.
    pub(crate) checked: &'a [String],
}

impl Calls<'_> {
    /// Whether to ask the compiler about this call.
    pub(crate) fn unknown(&self, call: &ExprCall) -> bool {
        let Expr::Path(callee) = peel(&call.func) else { return true };
        let path = &callee.path;
        let Some(last) = path.segments.last() else { return true };
        let name = last.ident.to_string();
        // Constructors return; `Some(x)` is a call to the parser only.
        if name.starts_with(char::is_uppercase) {
            return false;
        }
        let is_checked = self.checked.contains(&name)
            && path
                .segments
                .iter()
                .rev()
                .nth(1)
                .is_none_or(|segment| segment.ident == "Self" || segment.ident == "self");
        !(is_checked || self.unwinds(path) || self.by_name(path, &call.func))
    }

    /// Whether to ask the compiler about this method call.
    pub(crate) fn unknown_method(&self, call: &ExprMethodCall) -> bool {
        let on_self =
            matches!(peel(&call.receiver), Expr::Path(path) if path.path.is_ident("self"));
        let is_checked = on_self && self.checked.iter().any(|name| call.method == name);
        let unwinds = self
            .unwinds
            .iter()
            .any(|path| path.segments.last().is_some_and(|last| last.ident == call.method));
        !(is_checked || unwinds)
    }

    /// Whether a call of this path unwinds, as far as is known.
    pub(crate) fn unwinds(&self, path: &Path) -> bool {
        let written = segments(path);
        let resolved = self.imports.resolve(path);
        UNWINDS.iter().any(|known| {
            resolved.as_deref() == Some(*known)
                || known.split("::").collect::<Vec<_>>().ends_with(&as_strs(&written))
        }) || self.unwinds.iter().any(|listed| {
            let listed = segments(listed);
            listed.ends_with(&written) || written.ends_with(&listed)
        })
    }

    /// Whether a rule knows this path by name: reported, or allowed, as such.
    fn by_name(&self, path: &Path, callee: &Expr) -> bool {
        static NAMES: OnceLock<HashSet<&str>> = OnceLock::new();
        let names = NAMES.get_or_init(|| {
            let exits = RULES.iter().filter(|rule| rule.group == Group::Exit);
            exits.flat_map(|rule| rule.paths).filter_map(|path| path.rsplit("::").next()).collect()
        });
        let resolved = self.imports.resolve(path);
        let last = match &resolved {
            Some(resolved) => resolved.rsplit("::").next().unwrap_or_default().to_owned(),
            None => path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default(),
        };
        // The scan is the one authority; the names only spare most calls one.
        names.contains(last.as_str())
            && !Scan::new(&[Group::Exit]).imports(self.imports).expr(callee).findings.is_empty()
    }
}

fn segments(path: &Path) -> Vec<String> {
    path.segments
        .iter()
        .map(|segment| segment.ident.to_string())
        .filter(|name| name != "crate" && name != "self" && name != "super")
        .collect()
}

fn as_strs(segments: &[String]) -> Vec<&str> {
    segments.iter().map(String::as_str).collect()
}
