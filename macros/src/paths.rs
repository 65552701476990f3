//! The paths that expansions name.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;

/// Where the runtime is, as the user named it.
#[derive(Clone)]
pub(crate) struct Runtime(TokenStream);

impl Runtime {
    pub(crate) fn new(krate: Option<&Path>) -> Self {
        Self(krate.map_or_else(|| quote!(::backstop), |path| quote!(#path)))
    }

    /// `::backstop::__private::NAME`, every token with this span: an error about the call that it
    /// begins points at what the user wrote, and a panic in it has the user's line.
    pub(crate) fn private(&self, name: &str, span: Span) -> TokenStream {
        let name = Ident::new(name, span);
        let root = respanned(self.0.clone(), span);
        quote_spanned!(span=> #root::__private::#name)
    }

    /// `::backstop::NAME`.
    pub(crate) fn public(&self, name: &str, span: Span) -> TokenStream {
        let name = Ident::new(name, span);
        let root = respanned(self.0.clone(), span);
        quote_spanned!(span=> #root::#name)
    }
}

/// Keeps how each token's name resolves, moves where it is said to stand.
fn respanned(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            let resolution = token.span();
            token.set_span(span.resolved_at(resolution));
            token
        })
        .collect()
}

/// A span at `place` for what only the macro writes: names that no user code can name, calls that
/// neither rustc's style lints nor clippy's look at.
pub(crate) fn hidden(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}

/// A generated name, hidden from the user's code.
pub(crate) fn local(name: &str, number: usize) -> Ident {
    Ident::new(&format!("{name}{number}"), Span::mixed_site())
}
