//! The rungs of the ladder: which way of dying a cleanup outlives.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens as _, quote_spanned};
use syn::{Expr, Stmt};

use super::guards::first_span;
use crate::diagnostic::message;
use crate::paths::{Runtime, hidden};

/// A rung above the guard itself, and the word that names it.
pub(crate) struct Rung {
    name: &'static str,
    /// What registers a cleanup there.
    register: &'static str,
    span: Span,
}

/// The rungs above `unwind`.
const RUNGS: [(&str, &str); 3] =
    [("exit", "survive_exit"), ("kill", "survive_kill"), ("reboot", "survive_reboot")];

impl Rung {
    /// Reads the value of `survives`; `None` for `unwind`, which every guard is.
    pub(crate) fn read(word: &Expr) -> syn::Result<Option<Self>> {
        let text = word.to_token_stream().to_string();
        if text == "unwind" {
            return Ok(None);
        }
        match RUNGS.iter().find(|(name, _)| *name == text) {
            Some((name, register)) => Ok(Some(Self { name, register, span: first_span(word) })),
            None => {
                let text = message(
                    format!("unknown rung `{}`", text.replace(' ', "")),
                    "`survives` takes `unwind`, `exit`, `kill` or `reboot`",
                );
                Err(syn::Error::new_spanned(word, text))
            }
        }
    }

    /// That a cleanup with this `on` would never run by what the rung is there for.
    pub(crate) fn needs_cancel(&self) -> syn::Error {
        let text = message(
            format!(
                "`survives = {}` needs an `on` that includes `cancel`: the end of the process cuts \
                 the block off",
                self.name
            ),
            "leave `on` out, or write `on = failure` or `on = [.., cancel]`",
        );
        syn::Error::new(self.span, text)
    }

    /// What the exit hook waits for, should it begin between here and the registration.
    // Output: announce_exit()
    pub(super) fn announce(&self, runtime: &Runtime) -> TokenStream {
        let span = hidden(self.span);
        let announce = runtime.private("announce_exit", span);
        quote_spanned!(span=> #announce())
    }

    /// That an `async` cleanup dies with the process.
    pub(crate) fn needs_sync(&self) -> syn::Error {
        let text = message(
            format!("an `async` cleanup cannot have `survives = {}`", self.name),
            "write a closure or an `Action`, which needs no executor",
        );
        syn::Error::new(self.span, text)
    }

    /// The registration of a cleanup, with the error of a runtime that lacks the rung. `exists` says
    /// whether what is to be cleaned up is there already.
    // Output: { needs!(kill); survive_kill(ANNOUNCED, &const { SITE }, EXISTS, EXPR) }
    pub(super) fn register(
        &self,
        announced: &TokenStream,
        site: &TokenStream,
        expr: &Expr,
        exists: bool,
        runtime: &Runtime,
    ) -> TokenStream {
        let needs = runtime.public("__needs", self.span);
        let word = Ident::new(self.name, self.span);
        let expr = alone(expr);
        // Errors about its argument's type point at the expression.
        let place = first_span(expr);
        let register = runtime.private(self.register, place);
        let needs = quote_spanned!(self.span=> #needs!(#word););
        let span = hidden(place);
        let args = quote_spanned!(span=> #announced, &const { #site }, #exists, #expr);
        // The parentheses are the user's, so that a panic in the call has the line of the cleanup.
        let mut args = Group::new(Delimiter::Parenthesis, args);
        args.set_span(place);
        quote_spanned!(span=> { #needs #register #args })
    }
}

/// The one expression of a `defer!`, without the block that it was read into.
pub(super) fn alone(expr: &Expr) -> &Expr {
    match expr {
        Expr::Block(block) if block.label.is_none() && block.attrs.is_empty() => {
            match block.block.stmts.as_slice() {
                [Stmt::Expr(inner, None)] => inner,
                _ => expr,
            }
        }
        _ => expr,
    }
}

/// What an expression ends with.
pub(super) fn last(expr: &Expr) -> &Expr {
    match expr {
        Expr::Block(block) => match block.block.stmts.last() {
            Some(Stmt::Expr(tail, None)) => last(tail),
            _ => expr,
        },
        _ => expr,
    }
}
