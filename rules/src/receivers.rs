//! What a method's receiver visibly is, and what a call's arguments visibly show.

use crate::catalogue::{Kind, Shows};
use crate::paths::{self, Resolved, Target, segments, targets};
use crate::scope::Scope;
use syn::visit::Visit;
use syn::{Expr, ExprPath, Lit};

/// The kind of the value that a chain of method calls starts from.
///
/// Builders return themselves, so `Command::new("ls").arg("-l")` is a command throughout.
pub(crate) fn kind_of(expr: &Expr, scope: &Scope<'_>) -> Option<Kind> {
    match expr {
        Expr::MethodCall(call) if clap_fails(call) => Some(Kind::ClapError),
        Expr::MethodCall(call) => kind_of(&call.receiver, scope),
        Expr::Paren(expr) => kind_of(&expr.expr, scope),
        Expr::Group(expr) => kind_of(&expr.expr, scope),
        Expr::Reference(expr) => kind_of(&expr.expr, scope),
        Expr::Unary(expr) => kind_of(&expr.expr, scope),
        Expr::Try(expr) => kind_of(&expr.expr, scope),
        Expr::Await(expr) => kind_of(&expr.base, scope),
        Expr::Call(call) => {
            let path = callee(&call.func)?;
            let written = segments(&path.path);
            let last = written.last()?;
            if path.qself.is_some() || !paths::ends_a_row(last) && written.len() > 1 {
                return None;
            }
            let resolved = scope.resolve(&written, path.path.leading_colon.is_some());
            made(&resolved)
        }
        Expr::Path(path) => path.path.get_ident().and_then(|name| scope.kind(&paths::name(name))),
        _ => None,
    }
}

/// What the catalogue's function at that path makes.
pub(crate) fn made(path: &Resolved) -> Option<Kind> {
    targets(path).find_map(|target| match target {
        Target::Makes(kind) => Some(kind),
        Target::Rule(_) | Target::Call(..) => None,
    })
}

/// `Cli::command().error(kind, "..")` makes a `clap::Error`.
fn clap_fails(call: &syn::ExprMethodCall) -> bool {
    let method = &call.method;
    (method == "error" && call.args.len() == 2)
        || (method == "unwrap_err" && tries_clap(&call.receiver))
}

/// Whether that is a `Result` with a `clap::Error`, as `Cli::try_parse()` gives.
pub(crate) fn tries_clap(expr: &Expr) -> bool {
    const TRIES: &[&str] = &[
        "try_parse",
        "try_parse_from",
        "try_update_from",
        "try_get_matches",
        "try_get_matches_from",
        "try_get_matches_from_mut",
    ];
    match expr {
        Expr::Call(call) => callee(&call.func)
            .and_then(|path| path.path.segments.last())
            .is_some_and(|last| TRIES.iter().any(|known| last.ident == known)),
        Expr::MethodCall(call) => {
            TRIES.iter().any(|known| call.method == known) || tries_clap(&call.receiver)
        }
        Expr::Paren(expr) => tries_clap(&expr.expr),
        Expr::Reference(expr) => tries_clap(&expr.expr),
        _ => false,
    }
}

/// The path of a function that is called: `(f)(x)` calls `f`.
pub(crate) fn callee(mut func: &Expr) -> Option<&ExprPath> {
    loop {
        func = match func {
            Expr::Paren(expr) => &expr.expr,
            Expr::Group(expr) => &expr.expr,
            Expr::Path(path) => return Some(path),
            _ => return None,
        }
    }
}

/// Whether a call shows what the row asks for.
pub(crate) fn shows<'a>(
    shows: Shows,
    path: &ExprPath,
    mut arguments: impl Iterator<Item = &'a Expr>,
) -> bool {
    match shows {
        Shows::OwnProcess => arguments.next().is_some_and(is_own_process),
        Shows::EndlessDuration => arguments.any(|argument| {
            callee(argument).is_some_and(|path| ends_in(&segments(&path.path), "Duration", "MAX"))
        }),
        Shows::StaticLifetime => {
            let mut search = StaticLifetime(false);
            search.visit_path(&path.path);
            search.0
        }
    }
}

struct StaticLifetime(bool);

impl<'ast> Visit<'ast> for StaticLifetime {
    fn visit_lifetime(&mut self, lifetime: &'ast syn::Lifetime) {
        self.0 |= lifetime.ident == "static";
    }
}

fn is_own_process(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(lit) => matches!(&lit.lit, Lit::Int(number) if number.base10_digits() == "0"),
        Expr::Unary(expr) => is_own_process(&expr.expr),
        Expr::Paren(expr) => is_own_process(&expr.expr),
        Expr::Group(expr) => is_own_process(&expr.expr),
        Expr::Cast(expr) => is_own_process(&expr.expr),
        Expr::Unsafe(expr) => match &expr.block.stmts[..] {
            [syn::Stmt::Expr(expr, None)] => is_own_process(expr),
            _ => false,
        },
        // `getpid().as_raw()`, `std::process::id().try_into().unwrap()`.
        Expr::MethodCall(call) => is_own_process(&call.receiver),
        Expr::Call(call) => {
            let Some(path) = callee(&call.func) else { return false };
            let names = segments(&path.path);
            let own = ["getpid", "getpgrp", "getpgid", "gettid"];
            names.last().is_some_and(|last| own.contains(&last.as_str()))
                || ends_in(&names, "Pid", "this")
                || ends_in(&names, "process", "id")
                // `Pid::from_raw(0)`, `Some(getpid())`, `i32::try_from(getpid())`.
                || call.args.len() == 1 && is_own_process(&call.args[0])
        }
        _ => false,
    }
}

fn ends_in(names: &[String], before: &str, last: &str) -> bool {
    matches!(names, [.., a, b] if a == before && b == last)
}
