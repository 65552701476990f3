//! Puts the scope around a body.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Block, Path, ReturnType, Signature};

use super::Args;
use super::spawns::scope_name;
use crate::paths::{Runtime, hidden};
use crate::syntax::{return_type, returns_never, verbatim};

/// What both kinds of scopes are told.
// Output: scope::Options::new().limit(8).on_failure(scope::OnFailure::Wait).name("fetch")
pub(super) fn options(args: &Args, place: Span, module: &Path) -> TokenStream {
    let limit = args.limit.as_ref().map(|limit| quote_spanned!(limit.span()=> .limit(#limit)));
    let on_failure = args
        .on_failure
        .as_ref()
        .map(|variant| quote_spanned!(variant.span()=> .on_failure(#module::OnFailure::#variant)));
    let name = args.name.as_ref().map(|name| quote_spanned!(name.span()=> .name(#name)));
    quote_spanned!(place=> #module::Options::new()#limit #on_failure #name)
}

/// Moves the body into a scope.
// Input:  { BODY }
// Output: { scope::Options::new().limit(8).run(|scope0| -> R { BODY }) }
pub(crate) fn expand(signature: &Signature, body: &mut Block, args: &Args, runtime: &Runtime) {
    // The user's own span: the scope records the line of its body.
    let span = signature.ident.span();
    let module = runtime.public("scope", span);
    let options = options(args, span, &module);
    let output = match return_type(&signature.output) {
        _ if returns_never(&signature.output) => Some(quote!(-> !)),
        Some(ty) => Some(quote!(-> #ty)),
        None => None,
    };
    let scope = scope_name(0);
    let inner = Block { brace_token: body.brace_token, stmts: std::mem::take(&mut body.stmts) };
    let closure = quote_spanned!(hidden(span)=> |#scope| #output #inner);
    let call = quote_spanned!(span=> #options.run(#closure));
    let unit = matches!(signature.output, ReturnType::Default);
    body.stmts = vec![verbatim(if unit { quote_spanned!(span=> #call;) } else { call })];
}
