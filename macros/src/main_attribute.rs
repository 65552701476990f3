//! `#[backstop::main]`: what happens to a program from the first signal to its exit status.
//!
//! Unlike the others it does not look into the body, and stands on one function only. Whatever else
//! stands there goes on working: what rewrites bodies goes with the body.

mod args;
mod expand;
mod function;
mod runtimes;

use proc_macro2::TokenStream;
use quote::quote;

use self::args::Args;
use self::function::MainFunction;
use crate::diagnostic::{Errors, message};

/// Expands the attribute with `args` on `item`; on an error, the errors come with what is left.
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::read(args, &mut errors);
    let expanded = match syn::parse2::<MainFunction>(item.clone()) {
        Ok(function) => {
            function.check(args.workers.as_ref(), &mut errors);
            if errors.is_empty() { expand::wrap(function, &args) } else { expand::plain(function) }
        }
        Err(error) => {
            let text = message(
                "`#[backstop::main]` does not apply to this",
                "put it on `fn main`, which needs a body",
            );
            errors.at_span(error.span(), text);
            item
        }
    };
    let errors = errors.into_tokens();
    quote!(#errors #expanded)
}
