//! Other attributes that put a runtime around `main`.

use proc_macro2::{Literal, TokenStream, TokenTree};
use syn::Attribute;

use crate::diagnostic::message;

/// The crates whose `main` or `test` does so.
const CRATES: &[&str] = &["actix_rt", "actix_web", "async_std", "tokio"];

/// What tokio's attribute writes into the functions that it rewrites.
const TOKIO: &str = "\"Failed building the Runtime\"";

/// The name of an attribute that would put its runtime around `main`.
pub(super) fn name(attribute: &Attribute) -> Option<String> {
    let segments = &attribute.path().segments;
    let names: Vec<String> = segments.iter().map(|segment| segment.ident.to_string()).collect();
    let [krate, name] = &names[..] else { return None };
    let starts = CRATES.contains(&krate.as_str()) && (name == "main" || name == "test");
    starts.then(|| names.join("::"))
}

pub(super) fn takes_the_place_of(name: &str) -> String {
    let wrong = format!("`#[backstop::main]` takes the place of `#[{name}]`");
    message(wrong, "remove it: `#[backstop::main]` starts a tokio runtime itself")
}

/// Whether tokio's attribute stands above this one: it has left a function that is not `async`, with words
/// of its own in the body. Those that a user has written are where they say that they are.
pub(super) fn has_tokio(body: TokenStream) -> bool {
    body.into_iter().any(|token| match token {
        TokenTree::Group(group) => has_tokio(group.stream()),
        TokenTree::Literal(literal) => literal.to_string() == TOKIO && !is_written(&literal),
        TokenTree::Ident(_) | TokenTree::Punct(_) => false,
    })
}

fn is_written(literal: &Literal) -> bool {
    literal.span().source_text().is_some_and(|text| text == literal.to_string())
}
