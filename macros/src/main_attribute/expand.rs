//! Puts the runtime around `main`.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{ReturnType, Signature};

use super::args::{Args, Workers};
use super::function::{MainFunction, is_refused};
use crate::paths::{Runtime, hidden};

/// Calls the function through the runtime.
// Input:  #[inner] #[outer] fn main() -> R { BODY }, with (reaper)
// Output: #[outer] fn main() -> ExitCode {
//             #[inner] fn main() -> R { BODY }
//             __needs_linux_in_main!(reaper);
//             __needs_process!(".." => __private::main)(10_000, true, None, main)
//         }
// Of an `async fn`:  __needs!(async_main);
//                    __needs_process!(".." => __private::main_async)(10_000, false, None, Some(2), main)
pub(crate) fn wrap(function: MainFunction, args: &Args) -> TokenStream {
    let MainFunction { outer, inner, vis, sig, body } = function;
    let Args { grace, reaper, journal, workers, krate, linux } = args;
    let runtime = Runtime::new(krate.as_ref());
    let name = &sig.ident;
    // An error about the type that `main` returns is told at that type.
    let span = match &sig.output {
        ReturnType::Default => name.span(),
        ReturnType::Type(_, ty) => ty.span(),
    };
    let needs_process = runtime.public("__needs_process", name.span());
    let main = runtime.private(if sig.asyncness.is_some() { "main_async" } else { "main" }, span);
    let journal = match journal {
        None => quote!(::core::option::Option::None),
        Some(path) => quote!(::core::option::Option::Some(#path)),
    };
    // Where the feature is missing, that is told at the name.
    let main = quote_spanned! {hidden(name.span())=>
        #needs_process!("#[backstop::main]" => #main)
    };
    // Where the system is another one, that is told at the option.
    let needs_linux = linux.iter().map(|option| {
        let needs_linux = runtime.public("__needs_linux_in_main", option.span());
        quote_spanned!(option.span()=> #needs_linux!(#option);)
    });
    let (needs, workers) = match &sig.asyncness {
        None => (None, None),
        Some(keyword) => {
            let needs = runtime.public("__needs", keyword.span);
            let workers = match workers {
                None | Some((_, Workers::Default)) => quote!(::core::option::Option::None),
                Some((_, Workers::CurrentThread)) => quote!(::core::option::Option::Some(0)),
                Some((_, Workers::Count(count))) => quote!(::core::option::Option::Some(#count)),
            };
            (Some(quote_spanned!(keyword.span=> #needs!(async_main);)), Some(quote!(#workers,)))
        }
    };
    let call = quote_spanned!(hidden(span)=> #main(#grace, #reaper, #journal, #workers #name));
    let signature = outer_signature(&sig);
    quote! {
        #(#outer)* #vis #signature -> ::std::process::ExitCode {
            #(#inner)* #sig #body
            #(#needs_linux)*
            #needs
            #call
        }
    }
}

/// The function where something is wrong with it, so that its body still type-checks and rustc has
/// nothing to add.
// Input:  async fn main() { BODY }
// Output: fn main() { async fn main() { BODY } }
pub(crate) fn plain(function: MainFunction) -> TokenStream {
    let is_main = function.is_main();
    let MainFunction { outer, mut inner, vis, sig, body } = function;
    inner.retain(|attribute| !is_refused(attribute));
    if !is_main {
        return quote!(#(#outer)* #(#inner)* #vis #sig #body);
    }
    let signature = outer_signature(&sig);
    quote!(#(#outer)* #vis #signature { #[allow(dead_code)] #(#inner)* #sig #body })
}

/// `fn main()`.
fn outer_signature(sig: &Signature) -> TokenStream {
    let (keyword, name) = (&sig.fn_token, &sig.ident);
    let mut tokens = keyword.to_token_stream();
    name.to_tokens(&mut tokens);
    tokens.extend(quote_spanned!(sig.paren_token.span.join()=> ()));
    tokens
}
