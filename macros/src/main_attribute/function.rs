//! `fn main`, and what may not be said of it.

use proc_macro2::{Ident, TokenTree};
use quote::ToTokens as _;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Safety, Signature, Visibility};

use super::args::Workers;
use super::runtimes;
use crate::diagnostic::{Errors, message};

/// A function, its body as it was written: rustc and an editor see it as if nothing stood there.
pub(crate) struct MainFunction {
    /// What concerns the function as others see it.
    pub(crate) outer: Vec<Attribute>,
    /// What concerns its body, other attribute macros among it.
    pub(crate) inner: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: TokenTree,
}

/// Attributes of rustc's that are about the name, or that what is nested in the function inherits.
/// Any other may be a macro's.
const OUTER: &[&str] = &[
    "allow",
    "cfg",
    "cfg_attr",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "export_name",
    "forbid",
    "link_section",
    "must_use",
    "no_mangle",
    "track_caller",
    "unsafe",
    "warn",
];

impl Parse for MainFunction {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let (outer, inner) = attributes
            .into_iter()
            .partition(|it| OUTER.iter().any(|name| it.path().is_ident(name)));
        let vis = input.parse()?;
        let sig = input.parse()?;
        let body = input.parse()?;
        if !matches!(&body, TokenTree::Group(_)) || !input.is_empty() {
            return Err(syn::Error::new(body.span(), "expected a body"));
        }
        Ok(Self { outer, inner, vis, sig, body })
    }
}

impl MainFunction {
    /// Whether the function is one that a program can begin with.
    pub(crate) fn is_main(&self) -> bool {
        self.sig.ident == "main"
    }

    /// `workers` is the option about the runtime, if one is given.
    pub(crate) fn check(&self, workers: Option<&(Ident, Workers)>, errors: &mut Errors) {
        let Self { sig, inner, body, .. } = self;
        if !self.is_main() {
            let text = message(
                format!("`#[backstop::main]` applies to `main`, and this is `{}`", sig.ident),
                "put it on the function that the program begins with",
            );
            errors.at(&sig.ident, text);
        }
        for attribute in inner.iter().filter(|attribute| is_ours(attribute)) {
            let text = message("`#[backstop::main]` is given twice", "keep one of the two");
            errors.at(attribute, text);
        }
        for attribute in inner {
            if let Some(name) = runtimes::name(attribute) {
                errors.at(attribute, runtimes::takes_the_place_of(&name));
            }
        }
        if sig.asyncness.is_none() && runtimes::has_tokio(body.to_token_stream()) {
            errors.at(&sig.ident, runtimes::takes_the_place_of("tokio::main"));
        }
        if let (Some((key, _)), None) = (workers, &sig.asyncness) {
            let text = message(
                format!("`{key}` is about the tasks of an `async fn`, and this `main` is not"),
                "write `async fn main`, or leave the option out",
            );
            errors.at(key, text);
        }
        if let Some(keyword) = &sig.constness {
            errors.at(keyword, needless("`const`"));
        }
        if let Safety::Unsafe(keyword) = &sig.safety {
            errors.at(keyword, needless("`unsafe`"));
        }
        if let Some(abi) = &sig.abi {
            errors.at(abi, needless("`extern`"));
        }
        if !sig.inputs.is_empty() {
            let text = message(
                "`main` takes no parameters",
                "read the arguments of the program with `std::env::args`",
            );
            errors.at(&sig.inputs, text);
        }
        if !sig.generics.params.is_empty() {
            errors.at(&sig.generics, needless("generic parameters"));
        }
        if let Some(clause) = &sig.generics.where_clause {
            errors.at(clause, needless("`where` clause"));
        }
    }
}

/// Whether an attribute is one that this one does not go together with.
pub(super) fn is_refused(attribute: &Attribute) -> bool {
    is_ours(attribute) || runtimes::name(attribute).is_some()
}

/// `main` in whatever spelling has this attribute's name.
fn is_ours(attribute: &Attribute) -> bool {
    let names: Vec<String> =
        attribute.path().segments.iter().map(|segment| segment.ident.to_string()).collect();
    matches!(
        names.iter().map(String::as_str).collect::<Vec<_>>()[..],
        ["main"] | ["backstop", "main"]
    )
}

fn needless(what: &str) -> String {
    message(format!("`main` takes no {what}"), "remove it: only the system calls this function")
}
