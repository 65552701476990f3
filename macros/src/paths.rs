//! The paths that expansions name.

use std::iter;

use proc_macro2::{Ident, Span};
use syn::{Expr, ExprPath, Path, PathSegment, Token};

/// Where the runtime is, as the user named it.
#[derive(Clone)]
pub(crate) struct Runtime(Option<Path>);

impl Runtime {
    pub(crate) fn new(krate: Option<&Path>) -> Self {
        Self(krate.cloned())
    }

    /// `::backstop::__private::NAME`, every token with this span: an error about the call that it
    /// begins points at what the user wrote, and a panic in it has the user's line.
    ///
    /// Paths, like all that stands beside each call, are syntax and not tokens: a stream of tokens
    /// is a round trip to the compiler each time that it is made, copied or put into another.
    pub(crate) fn private(&self, name: &str, span: Span) -> Path {
        self.path(&["__private", name], span)
    }

    /// `::backstop::NAME`.
    pub(crate) fn public(&self, name: &str, span: Span) -> Path {
        self.path(&[name], span)
    }

    fn path(&self, names: &[&str], span: Span) -> Path {
        let mut path = match &self.0 {
            Some(root) => moved(root.clone(), span),
            None => Path {
                leading_colon: Some(Token![::](span)),
                segments: iter::once(segment("backstop", span)).collect(),
            },
        };
        for name in names {
            path.segments.push_punct(Token![::](span));
            path.segments.push_value(segment(name, span));
        }
        path
    }
}

fn segment(name: &str, span: Span) -> PathSegment {
    Ident::new(name, span).into()
}

/// Moves a path to a place without a change of what it names: it may begin with `$crate`.
fn moved(mut path: Path, place: Span) -> Path {
    for segment in &mut path.segments {
        segment.ident.set_span(place.resolved_at(segment.ident.span()));
    }
    path
}

/// A path as an expression.
pub(crate) fn expr(path: Path) -> Expr {
    Expr::Path(ExprPath { attrs: Vec::new(), qself: None, path })
}

/// A span at `place` for what only the macro writes: names that no user code can name, calls that
/// neither rustc's style lints nor clippy's look at.
pub(crate) fn hidden(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}

/// A generated name, hidden from the user's code. The prefix is for the items of the module, which
/// are not: a binding of the name of a `const` would be a pattern.
pub(crate) fn local(name: &str, number: usize) -> Ident {
    Ident::new(&format!("__backstop_{name}{number}"), Span::mixed_site())
}

/// The same at a place: what the borrow checker has to say about its use is said there.
pub(crate) fn local_at(place: Span, name: &str, number: usize) -> Ident {
    let mut ident = local(name, number);
    ident.set_span(hidden(place));
    ident
}
