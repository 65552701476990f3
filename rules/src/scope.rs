//! The names in scope at one place of a body, innermost first.

use crate::catalogue::{KINDS, Kind};
use crate::imports::Imports;
use crate::paths::{self, Resolved};
use syn::visit::Visit;
use syn::{Pat, Stmt, Type};

/// The scopes around the current place.
pub(crate) struct Scope<'a> {
    root: &'a Imports,
    frames: Vec<Frame>,
}

#[derive(Default)]
struct Frame {
    /// Variables, and what is visibly in them.
    names: Vec<(String, Option<Kind>)>,
    /// What a block's own items import and declare.
    items: Option<Imports>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(root: &'a Imports, parameters: Vec<(String, Option<Kind>)>) -> Self {
        Self { root, frames: vec![Frame { names: parameters, items: None }] }
    }

    pub(crate) fn enter(&mut self) {
        self.frames.push(Frame::default());
    }

    pub(crate) fn enter_block(&mut self, statements: &[Stmt]) {
        self.frames.push(Frame { names: Vec::new(), items: Imports::of_statements(statements) });
    }

    pub(crate) fn leave(&mut self) {
        self.frames.pop();
    }

    /// Declares the variables of a pattern; `kind` is that of the whole value.
    pub(crate) fn bind(&mut self, pat: &Pat, kind: Option<Kind>) {
        struct Names<'n>(&'n mut Vec<(String, Option<Kind>)>, Option<Kind>);
        impl<'ast> Visit<'ast> for Names<'_> {
            fn visit_pat_ident(&mut self, pat: &'ast syn::PatIdent) {
                self.0.push((paths::name(&pat.ident), self.1));
                if let Some((_, pat)) = &pat.subpat {
                    self.visit_pat(pat);
                }
            }
            // Guards and constants in patterns bind nothing here.
            fn visit_expr(&mut self, _: &'ast syn::Expr) {}
        }
        let kind = match pat {
            Pat::Type(pat) => type_kind(&pat.ty).or(kind),
            _ => kind,
        };
        if let Some(frame) = self.frames.last_mut() {
            Names(&mut frame.names, kind).visit_pat(pat);
        }
    }

    /// What is visibly in the variable.
    pub(crate) fn kind(&self, name: &str) -> Option<Kind> {
        let names = self.frames.iter().rev().flat_map(|frame| frame.names.iter().rev());
        names.filter(|(known, _)| known == name).map(|(_, kind)| *kind).next().flatten()
    }

    /// Whether a path of one segment can stand for a row's path.
    pub(crate) fn names_values(&self) -> bool {
        self.layers().any(Imports::names_values)
    }

    /// Whether something in scope imports exactly that path.
    pub(crate) fn imports(&self, path: &str) -> bool {
        self.layers().any(|items| items.imports(path))
    }

    fn layers(&self) -> impl Iterator<Item = &Imports> {
        self.frames.iter().filter_map(|frame| frame.items.as_ref()).chain([self.root])
    }

    pub(crate) fn resolve(&self, written: &[String], absolute: bool) -> Resolved {
        if absolute {
            return Resolved::Full(paths::canonical(written));
        }
        let mut path = written.to_vec();
        let mut by_module = None;
        for at in (0..=self.frames.len()).rev() {
            // The root's items lie outside the outermost frame, which holds the parameters.
            let (names, items) = match at.checked_sub(1).map(|at| &self.frames[at]) {
                Some(frame) => (&frame.names[..], frame.items.as_ref()),
                None => (&[][..], Some(self.root)),
            };
            let is_name = by_module.is_none() && path.len() == 1;
            if is_name && names.iter().any(|(name, _)| *name == path[0]) {
                return Resolved::Local;
            }
            match items.and_then(|items| items.lookup(&path, false)) {
                // `use p::exit` in a block may go on with `use std::process as p` around it.
                Some(Resolved::Imported { path: longer, by_module: by }) => {
                    if paths::is_std(&longer[0]) {
                        let by_module = by_module.unwrap_or(by);
                        return Resolved::Imported { path: longer, by_module };
                    }
                    by_module = by_module.or(Some(by));
                    path = longer;
                }
                Some(Resolved::Local) if by_module.is_some() => break,
                Some(found) => {
                    return match (found, by_module) {
                        (Resolved::Full(path), Some(by_module)) => {
                            Resolved::Imported { path, by_module }
                        }
                        (found, _) => found,
                    };
                }
                None => {}
            }
        }
        match by_module {
            Some(by_module) => Resolved::Imported { path, by_module },
            None if path.len() == 1 => Resolved::Local,
            None => Resolved::Suffix(path),
        }
    }
}

/// The kind of values of a type, by its name.
pub(crate) fn type_kind(ty: &Type) -> Option<Kind> {
    match ty {
        Type::Reference(ty) => type_kind(&ty.elem),
        Type::Paren(ty) => type_kind(&ty.elem),
        Type::Group(ty) => type_kind(&ty.elem),
        Type::Path(ty) => {
            let last = &ty.path.segments.last()?.ident;
            let (kind, ..) = KINDS.iter().find(|(.., types)| types.iter().any(|ty| last == ty))?;
            Some(*kind)
        }
        _ => None,
    }
}
