//! The paths that expansions name.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote_spanned};
use syn::Path;

/// Where the runtime is, as the user named it.
#[derive(Clone)]
pub(crate) struct Runtime(Option<Path>);

impl Runtime {
    pub(crate) fn new(krate: Option<&Path>) -> Self {
        Self(krate.cloned())
    }

    /// `::backstop::__private::NAME`, every token with this span: an error about the call that it
    /// begins points at what the user wrote, and a panic in it has the user's line.
    pub(crate) fn private(&self, name: &str, span: Span) -> TokenStream {
        let name = Ident::new(name, span);
        let root = self.root(span);
        quote_spanned!(span=> #root::__private::#name)
    }

    /// `::backstop::NAME`.
    pub(crate) fn public(&self, name: &str, span: Span) -> TokenStream {
        let name = Ident::new(name, span);
        let root = self.root(span);
        quote_spanned!(span=> #root::#name)
    }

    fn root(&self, span: Span) -> TokenStream {
        match &self.0 {
            // Moved to the place, but resolved where it was written: it may begin with `$crate`.
            Some(path) => moved(path.to_token_stream(), span),
            None => quote_spanned!(span=> ::backstop),
        }
    }
}

/// Moves tokens to a place without a change of what they name.
fn moved(tokens: TokenStream, place: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            token.set_span(place.resolved_at(token.span()));
            token
        })
        .collect()
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
