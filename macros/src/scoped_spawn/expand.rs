//! Puts the scope around a body.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Block, Path, ReturnType, Signature, Stmt};

use super::Args;
use super::spawns::scope_name;
use crate::paths::{Runtime, hidden, local};
use crate::syntax::{return_type, returns_never, verbatim};

/// Moves the body of an `async fn` into a scope of tasks.
// Input:  { BODY }
// Output: { scope::Options::new().limit(8).tokio(move |scope0| async move {
//         let scope0 = &scope0; if let Some(value) = no_value::<R>() { return value; } BODY }).await }
pub(crate) fn expand_async(
    signature: &Signature,
    body: &mut Block,
    args: &Args,
    runtime: &Runtime,
) {
    let place = signature.ident.span();
    let span = hidden(place);
    let module = runtime.public("scope", place);
    let keyword = signature.asyncness.map_or(place, |keyword| keyword.span);
    let needs = runtime.public("__needs", keyword);
    let needs = quote_spanned!(keyword=> #needs!(tasks););
    let options = options(args, place, &module);
    let (timeout, method) = match args.deadline {
        None => (None, Ident::new("tokio", place)),
        Some((key, limit)) => {
            let timeout =
                quote_spanned!(span=> .timeout(::core::time::Duration::from_nanos(#limit)));
            (Some(timeout), Ident::new("tokio_until_deadline", key))
        }
    };
    // The block has no place for its type.
    let typed = return_type(&signature.output).filter(|_| !returns_never(&signature.output));
    let typed = typed.map(|ty| {
        let (value, none) = (local("typed", 0), runtime.private("no_value", span));
        quote_spanned!(span=>
            if let ::core::option::Option::Some(#value) = #none::<#ty>() { return #value; }
        )
    });
    let scope = scope_name(0);
    let mut items = std::mem::take(&mut body.stmts);
    // Items stay first: clippy would find them after statements.
    let first = items.iter().take_while(|stmt| matches!(stmt, Stmt::Item(_))).count();
    let stmts = items.split_off(first);
    let mut inner = Group::new(
        Delimiter::Brace,
        quote_spanned!(span=>
            #(#items)* let #scope = &#scope; let _ = #scope; #typed #(#stmts)*
        ),
    );
    // The user's own: the edition tells when the temporaries of a tail are dropped.
    inner.set_span(body.brace_token.span.open());
    let call = quote_spanned! {place=>
        #options #timeout.#method
    };
    let call = quote_spanned!(span=> #call(move |#scope| async move #inner).await);
    let unit = matches!(signature.output, ReturnType::Default);
    body.stmts = vec![verbatim(needs), verbatim(if unit { quote!(#call;) } else { call })];
}

/// What both kinds of scopes are told.
// Output: scope::Options::new().limit(8).on_failure(scope::OnFailure::Wait).name("fetch")
fn options(args: &Args, place: Span, module: &Path) -> TokenStream {
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
