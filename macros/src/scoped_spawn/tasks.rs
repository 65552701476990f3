//! Puts a scope of tasks around the body of an `async fn`.

use proc_macro2::{Delimiter, Group, Ident};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Block, ReturnType, Signature, Stmt};

use super::args::{Args, Time};
use super::expand::options;
use super::spawns::scope_name;
use crate::paths::{Runtime, hidden, local};
use crate::syntax::{relocated, return_type, returns_never, verbatim};

/// Moves the body into a scope of tasks. With `local`, the body borrows the parameters, as its children may;
/// `is_send` tells whether those are `Send`.
// Input:  { BODY }
// Output: { let options = scope::Options::new().limit(8); options.tokio(move |scope0| async move {
//         let scope0 = &scope0; if let Some(value) = no_value::<R>() { return value; } BODY }).await }
// Local:  { let scope0 = scope::Options::new().limit(8).local();
//         let value = scope0.run(async { let scope0 = &scope0; .. BODY }).await; value }
pub(crate) fn expand(
    signature: &Signature,
    body: &mut Block,
    args: &Args,
    is_send: bool,
    runtime: &Runtime,
) {
    let place = signature.ident.span();
    let span = hidden(place);
    let module = runtime.public("scope", place);
    let keyword = signature.asyncness.map_or(place, |keyword| keyword.span);
    let needs = runtime.public("__needs", keyword);
    let needs = quote_spanned!(keyword=> #needs!(tasks););
    let options = options(args, place, &module);
    let timeout = args.deadline.as_ref().map(|deadline| match &deadline.time {
        Time::Nanoseconds(time) => {
            quote_spanned!(span=> .timeout(::core::time::Duration::from_nanos(#time)))
        }
        Time::Duration(time) => quote_spanned!(time.span()=> .timeout(#time)),
    });
    let unit = matches!(signature.output, ReturnType::Default);
    // The block has no place for its type.
    let typed = return_type(&signature.output).filter(|_| !returns_never(&signature.output));
    let by_deadline = args.deadline.as_ref().map(|deadline| {
        let by_deadline = runtime.private("by_deadline", deadline.key);
        // Told of the option alone, and not of the type, too.
        let ty = match &typed {
            Some(_) if unit => quote_spanned!(deadline.key=> ()),
            Some(ty) => relocated(ty.to_token_stream(), deadline.key),
            None => quote_spanned!(span=> _),
        };
        quote_spanned!(deadline.key=> #by_deadline::<#ty>(),)
    });
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
    let method = |plain: &str, until_deadline: &str| match &args.deadline {
        None => Ident::new(plain, place),
        Some(_) => Ident::new(until_deadline, place),
    };
    body.stmts = if args.local.is_some() {
        let kind = Ident::new(if is_send { "local" } else { "local_any" }, place);
        let method = method("run", "run_until_deadline");
        let made = quote_spanned!(place=> #options #timeout.#kind());
        let made = quote_spanned!(span=> let #scope = #made;);
        let run = quote_spanned!(place=> #scope.#method);
        let run = quote_spanned!(span=> #run(#by_deadline async #inner).await);
        let value = local("value", 0);
        let run = if unit {
            quote!(#run;)
        } else {
            // As a tail it would be dropped after the scope that it borrows, before the edition 2024.
            quote_spanned!(span=> let #value = #run; #value)
        };
        vec![verbatim(needs), verbatim(made), verbatim(run)]
    } else {
        let method = method("tokio", "tokio_until_deadline");
        // A statement of its own: what the user's expressions borrow or lock is let go before the body runs.
        let mut made = local("options", 0);
        // Where the call is: what is wrong with the call would be told of the attribute, too.
        made.set_span(span);
        let options = quote_spanned!(span=> let #made = #options #timeout;);
        let call = quote_spanned!(place=> #made.#method);
        let call = quote_spanned!(span=> #call(#by_deadline move |#scope| async move #inner).await);
        let call = if unit { quote!(#call;) } else { call };
        vec![verbatim(needs), verbatim(options), verbatim(call)]
    };
}
