//! Comparing paths and method calls with the rows of the catalogue.

use crate::catalogue::{Kind, Method, RULES, Receiver, Rule, Shows};
use crate::loops;
use crate::paths::{self, Resolved, Target, targets};
use crate::receivers::{kind_of, shows};
use crate::scan::Finding;
use crate::scope::Scope;
use crate::visitor::{Found, Visitor};
use proc_macro2::{Ident, Span};
use std::collections::HashMap;
use std::sync::OnceLock;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprMethodCall, ExprPath, Path, Token};

/// What is offending: how it is written and where.
pub(crate) struct Site {
    pub(crate) written: String,
    pub(crate) via: Option<String>,
    pub(crate) as_value: bool,
    pub(crate) ends: (Span, Span),
}

impl Site {
    pub(crate) fn at(written: impl Into<String>, span: Span) -> Self {
        Self { written: written.into(), via: None, as_value: false, ends: (span, span) }
    }
}

fn methods() -> &'static HashMap<&'static str, Vec<(&'static Rule, &'static Method)>> {
    type Table = HashMap<&'static str, Vec<(&'static Rule, &'static Method)>>;
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table::new();
        for rule in RULES {
            for method in rule.methods {
                table.entry(method.name).or_default().push((rule, method));
            }
        }
        table
    })
}

impl Visitor<'_> {
    pub(crate) fn wants(&self, rule: &Rule) -> bool {
        self.groups.contains(&rule.group) && (self.pedantic || !rule.pedantic)
    }

    pub(crate) fn report(
        &mut self,
        rule: &'static Rule,
        site: Site,
        undo: Option<(Option<String>, &'static str)>,
    ) {
        let Site { written, via, as_value, ends } = site;
        let span = ends.0.join(ends.1).unwrap_or(ends.0);
        let finding = Finding { rule, span, written, via, as_value, ends };
        self.found.push(Found { finding, allowed: self.allows.find(rule.name), undo });
    }

    /// A rule that is found by its shape.
    pub(crate) fn report_named(&mut self, name: &str, site: Site) {
        if let Some(rule) = crate::catalogue::rule(name).filter(|rule| self.wants(rule)) {
            self.report(rule, site, None);
        }
    }

    /// A path in an expression; `arguments`: of the call that it stands in, else it is a value.
    pub(crate) fn path(
        &mut self,
        path: &ExprPath,
        arguments: Option<&Punctuated<Expr, Token![,]>>,
    ) {
        // Nearly every path is a variable.
        if path.qself.is_none() && path.path.segments.len() == 1 && !self.scope.names_values() {
            return;
        }
        let names = match &path.qself {
            Some(qself) => paths::qualified_segments(qself, &path.path),
            None => paths::segments(&path.path),
        };
        let absolute = path.path.leading_colon.is_some() && path.qself.is_none();
        let site = || {
            let first = path.path.segments.first().map(|first| first.ident.span());
            let last = path.path.segments.last().map(|last| last.ident.span());
            let last = last.unwrap_or_else(Span::call_site);
            let (start, written) = match &path.qself {
                Some(qself) => {
                    let (ty, function) = names.split_at(names.len() - 1);
                    (qself.lt_token.span, format!("<{}>::{}", ty.join("::"), function.join("")))
                }
                None => (first.unwrap_or(last), spelled(&path.path)),
            };
            Site { written, via: None, as_value: arguments.is_none(), ends: (start, last) }
        };
        self.names(&names, absolute, site, |show| {
            shows(show, path, arguments.into_iter().flatten())
        });
    }

    /// A path, by its names.
    pub(crate) fn names(
        &mut self,
        names: &[String],
        absolute: bool,
        site: impl FnOnce() -> Site,
        shows: impl Fn(Shows) -> bool,
    ) {
        let undoes = names.len() > 1 && names[names.len() - 1].starts_with("from_");
        let may_match = match names {
            [] => false,
            [_] => self.scope.names_values(),
            [.., last] => undoes || paths::ends_a_row(last),
        };
        if !may_match {
            return;
        }
        let resolved = self.scope.resolve(names, absolute);
        let (Resolved::Full(path) | Resolved::Imported { path, .. } | Resolved::Suffix(path)) =
            &resolved
        else {
            return;
        };
        let [.., ty, function] = &path[..] else { return };
        if undoes {
            self.undone.insert((ty.clone(), function.clone()));
        }
        let rule = targets(&resolved).find_map(|target| match target {
            Target::Rule(rule) => self.wants(rule).then_some(rule),
            Target::Call(rule, show) => (self.wants(rule) && shows(show)).then_some(rule),
            Target::Makes(_) => None,
        });
        let Some(rule) = rule else { return };
        let undo = rule.pairs.iter().find(|(done, _)| function == done).map(|(_, undo)| {
            // `IntoRawFd::into_raw_fd` is undone by whatever type's `from_raw_fd`.
            ((!ty.starts_with("IntoRaw")).then(|| ty.clone()), *undo)
        });
        let mut site = site();
        if let Resolved::Imported { path, .. } = &resolved {
            let path = path.join("::");
            site.via = (path != site.written).then_some(path);
        }
        self.report(rule, site, undo);
    }

    /// A method call in an expression.
    pub(crate) fn method(&mut self, call: &ExprMethodCall) {
        let name = paths::name(&call.method);
        self.method_rows(&name, call.method.span(), call.args.len(), |scope, receiver| {
            match receiver {
                Receiver::Any => true,
                Receiver::Is(kind) => kind_of(&call.receiver, scope) == Some(kind),
                Receiver::IsOrImports(kind, import) => {
                    kind_of(&call.receiver, scope) == Some(kind) || scope.imports(import)
                }
                // Only statements can tell; see `dropped`.
                Receiver::Dropped(_) => false,
                Receiver::TrueArgument => call.args.iter().all(loops::is_true),
            }
        });
    }

    /// A method call in tokens; `kind`: what the tokens before it visibly make.
    pub(crate) fn method_tokens(&mut self, name: &Ident, arguments: usize, kind: Option<Kind>) {
        self.method_rows(&paths::name(name), name.span(), arguments, |scope, receiver| {
            match receiver {
                Receiver::Any => true,
                Receiver::Is(wanted) => kind == Some(wanted),
                Receiver::IsOrImports(wanted, import) => {
                    kind == Some(wanted) || scope.imports(import)
                }
                Receiver::Dropped(_) | Receiver::TrueArgument => false,
            }
        });
    }

    fn method_rows(
        &mut self,
        name: &str,
        span: Span,
        arguments: usize,
        is_receiver: impl Fn(&Scope<'_>, Receiver) -> bool,
    ) {
        let rule = methods().get(name).into_iter().flatten().find(|(rule, method)| {
            method.arguments.is_none_or(|count| count == arguments)
                && self.wants(rule)
                && is_receiver(&self.scope, method.receiver)
        });
        let Some((rule, _)) = rule else { return };
        let undo = rule.pairs.iter().find(|(done, _)| *done == name);
        self.report(
            rule,
            Site::at(format!(".{name}()"), span),
            undo.map(|(_, undo)| (None, *undo)),
        );
    }

    /// A value that is thrown away: `Command::new("sync").spawn()?;`.
    pub(crate) fn dropped(&mut self, mut expr: &Expr) {
        const PASS: &[&str] =
            &["unwrap", "expect", "ok", "map_err", "context", "with_context", "unwrap_or_else"];
        loop {
            expr = match expr {
                Expr::Try(expr) => &expr.expr,
                Expr::Await(expr) => &expr.base,
                Expr::Paren(expr) => &expr.expr,
                Expr::Group(expr) => &expr.expr,
                Expr::MethodCall(call) => {
                    let name = paths::name(&call.method);
                    if PASS.contains(&name.as_str()) {
                        &call.receiver
                    } else {
                        return self.dropped_call(&name, call);
                    }
                }
                _ => return,
            }
        }
    }

    fn dropped_call(&mut self, name: &str, call: &ExprMethodCall) {
        for (rule, method) in methods().get(name).into_iter().flatten() {
            let Receiver::Dropped(kind) = method.receiver else { continue };
            let fits = method.arguments.is_none_or(|count| count == call.args.len());
            if fits && self.wants(rule) && kind_of(&call.receiver, &self.scope) == Some(kind) {
                self.report(rule, Site::at(format!(".{name}()"), call.method.span()), None);
            }
        }
    }
}

/// A path as the user spelled it, without generic arguments.
pub(crate) fn spelled(path: &Path) -> String {
    let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let root = if path.leading_colon.is_some() { "::" } else { "" };
    format!("{root}{}", names.join("::"))
}
